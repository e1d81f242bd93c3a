/*
 * What Python sees of libparley: excerpts of <parley/*.h> for cffi, which
 * checks them against the headers when it compiles, and native.c's own part
 * at the end.
 */

/* parley/err.h */
const char *parley_did_err_string(int err);
const char *parley_did_err_name(int err);
int parley_did_err_class(int err);

enum {
	PARLEY_ERR_SYSTEM, PARLEY_ERR_MEMORY, PARLEY_ERR_AGAIN,
	PARLEY_ERR_ARGUMENT, PARLEY_ERR_STATE, PARLEY_ERR_TIMEOUT,
	PARLEY_ERR_NOT_FOUND, PARLEY_ERR_AGREEMENT, PARLEY_ERR_LOST,
	PARLEY_ERR_CLOSED, PARLEY_ERR_ABORTED, PARLEY_ERR_UNDELIVERED,
	PARLEY_ERR_RESTARTED, PARLEY_ERR_INTERRUPTED, PARLEY_ERR_INDEX,
	...
};

/* parley/did.h */
struct parley_identity;
struct parley_resolver;
#define PARLEY_DID_SIZE ...

int parley_did_identity_new_type(struct parley_identity **idp, int type);
int parley_did_identity_save(const struct parley_identity *id,
			     const char *path, const char *passphrase,
			     size_t passphrase_len);
int parley_did_identity_load(struct parley_identity **idp, const char *path,
			     const char *passphrase, size_t passphrase_len);
const char *parley_did_identity_did(const struct parley_identity *id);
void parley_did_identity_free(struct parley_identity *id);

struct parley_resolver_options {
	int web;
	int web_private;
	const char *web_ca;
	unsigned web_timeout_ms;
	unsigned web_redirects;
	const char *directory;
	...;
};
int parley_did_resolver_new(struct parley_resolver **rp,
			    const struct parley_resolver_options *options);
void parley_did_resolver_free(struct parley_resolver *r);
int parley_did_resolver_json(char **jsonp, struct parley_resolver *r,
			     const char *did);
int parley_did_dereference(char **jsonp, struct parley_resolver *r,
			   const char *url);

/* parley/comm.h */
struct parley_comm;
struct parley_comm_pack {
	int layers;
	int enc;
	const char *to;
	const char *sender;
	const char *signer;
	const char *const *routing;
	size_t n_routing;
	...;
};
struct parley_comm_unpack {
	const char *const *to;
	size_t n_to;
	int64_t now;
	...;
};
struct parley_comm_unpacked {
	char *message;
	size_t message_len;
	int layers;
	char *signer;
	char *signer_kid;
	char *sender;
	char *sender_kid;
	char *recipient;
	char *read_by;
	...;
};
int parley_comm_new(struct parley_comm **commp,
		    struct parley_resolver *resolver);
int parley_comm_add_identity(struct parley_comm *comm,
			     const struct parley_identity *id);
void parley_comm_free(struct parley_comm *comm);
const char *parley_comm_reason(const struct parley_comm *comm);
int parley_comm_pack(struct parley_comm *comm, char **envelopep, size_t *lenp,
		     const char *message, size_t message_len,
		     const struct parley_comm_pack *how);
int parley_comm_unpack(struct parley_comm *comm,
		       struct parley_comm_unpacked *unpacked,
		       const char *envelope, size_t len,
		       const struct parley_comm_unpack *how);
void parley_comm_unpacked_wipe(struct parley_comm_unpacked *u);
int parley_comm_signed_pack(char **envelopep, size_t *lenp,
			    const struct parley_identity *id,
			    const char *message, size_t message_len);
int parley_comm_signed_unpack(char **messagep, size_t *lenp, char *signer,
			      const char *envelope, size_t envelope_len);

/* parley/session.h */
struct parley_agreement;
struct parley_session;
#define PARLEY_AGREEMENT_HASH_LEN ...

int parley_session_agreement_parse(struct parley_agreement **ap, char **errp,
				   const char *json, size_t len);
int parley_session_agreement_load(struct parley_agreement **ap, char **errp,
				  const char *path);
void parley_session_agreement_hash(const struct parley_agreement *a,
				   uint8_t *hash);
const char *parley_session_agreement_name(const struct parley_agreement *a);
int64_t parley_session_agreement_created(const struct parley_agreement *a);
int64_t parley_session_agreement_expires(const struct parley_agreement *a);
size_t parley_session_agreement_n_parties(const struct parley_agreement *a);
unsigned parley_session_agreement_threshold(const struct parley_agreement *a);
const char *parley_session_agreement_program(const struct parley_agreement *a);
const char *parley_session_agreement_program_version(
    const struct parley_agreement *a);
const char *parley_session_agreement_digest(const struct parley_agreement *a,
					    const char *label);
const char *parley_session_agreement_parameter(const struct parley_agreement *a,
					       const char *name);
const char *parley_session_agreement_party_did(const struct parley_agreement *a,
					       size_t index);
const char *parley_session_agreement_party_name(
    const struct parley_agreement *a, size_t index);
const char *parley_session_agreement_party_endpoint(
    const struct parley_agreement *a, size_t index, size_t n);
int parley_session_agreement_index(const struct parley_agreement *a,
				   const char *did);
void parley_session_agreement_free(struct parley_agreement *a);

enum {
	PARLEY_SESSION_OPENING, PARLEY_SESSION_READY, PARLEY_SESSION_CLOSING,
	PARLEY_SESSION_CLOSED, PARLEY_SESSION_FAILED, ...
};
struct parley_party_stats {
	uint64_t messages_sent, messages_received;
	uint64_t bytes_sent, bytes_received;
	uint64_t records_sent, records_received;
	uint64_t wire_bytes_sent, wire_bytes_received;
	uint64_t records_resent, records_dropped;
	uint64_t resumes, ratchets, handshake_us, rtt_us;
	...;
};
struct parley_progress {
	int party;
	int state;
	const char *name;
	const char *did;
	const char *endpoint;
	const char *detail;
	int64_t waited_ms;
	...;
};
struct parley_session_options {
	const char *listen;
	int open_timeout_ms;
	int send_timeout_ms;
	int recv_timeout_ms;
	int close_timeout_ms;
	int liveness_ms;
	int on_lost;
	int resume_ms;
	int unresponsive_ms;
	int carrier;
	size_t window;
	size_t message_max;
	size_t record_max;
	int (*on_progress)(void *context, const struct parley_progress *p);
	void *context;
	...;
};
void parley_session_options_init(struct parley_session_options *o);
int parley_session_new(struct parley_session **sp,
		       const struct parley_agreement *a,
		       const struct parley_identity *id,
		       const struct parley_session_options *o);
int parley_session_wait(struct parley_session *s);
int parley_session_fd(const struct parley_session *s);
int parley_session_process(struct parley_session *s);
int parley_session_send(struct parley_session *s, int to, const void *msg,
			size_t len);
int parley_session_flush(struct parley_session *s);
int parley_session_take(struct parley_session *s, int from, int *whop,
			const void **msgp, size_t *lenp);
int parley_session_ping(struct parley_session *s, int party);
int parley_session_close(struct parley_session *s);
int parley_session_finish(struct parley_session *s);
void parley_session_abort(struct parley_session *s, const char *reason);
void parley_session_free(struct parley_session *s);
int parley_session_state(const struct parley_session *s);
int parley_session_self(const struct parley_session *s);
int parley_session_n_parties(const struct parley_session *s);
int parley_session_party_state(const struct parley_session *s, int party);
const char *parley_session_party_state_name(int state);
const char *parley_session_error(const struct parley_session *s);
int parley_session_culprit(const struct parley_session *s);
int parley_session_stats(const struct parley_session *s, int party,
			 struct parley_party_stats *stats);

void free(void *p);

extern "Python" int parley_py_progress(void *context,
				       const struct parley_progress *p);

/* native.c: streams (PROTOCOL 12), all messages of a turn in one call */
enum { PY_END, PY_OPEN, PY_DATA, PY_FIN, PY_CREDIT, PY_RESET, PY_BAD };

struct py_event {
	int party;
	int op;
	unsigned stream;
	uint32_t value; /* OPEN: service, CREDIT: bytes, RESET: reason */
	size_t at, len; /* DATA, END: in bytes[] */
};

struct py_turn {
	struct py_event *events;
	size_t n;
	char *bytes;
	...;
};

struct py_turn *py_turn_new(struct parley_session *s);
void py_turn_free(struct py_turn *t);
int py_turn_run(struct py_turn *t);
int py_turn_flush(struct py_turn *t);
int py_turn_send(struct py_turn *t, int party, unsigned stream,
		 const char *data, size_t len, size_t *sentp);
int py_turn_control(struct py_turn *t, int party, int op, unsigned stream,
		    uint32_t value);
