/*
 * did:web, by libcurl.
 *
 * Spec: did:web method, "Read (Resolve)"; RFC 6890 and IANA's registries of
 * special-purpose addresses.
 *
 * A DID is chosen by a stranger, and fetching it is a request from inside our
 * network.  So: HTTPS only, redirects included; the address is checked after
 * name resolution, on each socket that is opened, so that neither a redirect
 * nor a name server can point inwards; no proxy, cookies, credentials,
 * compression or other protocols; bounded size and time.
 */
#include "did/web.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#if PARLEY_HAVE_CURL
#include <curl/curl.h>
#endif

#include "did/document.h"

#define DID_WEB_SCHEME "did:web:"

enum {
	HOST_LEN_MAX = 253,
	LABEL_LEN_MAX = 63,
};

bool did_web_is_built(void)
{
	return PARLEY_HAVE_CURL;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/*
 * RFC 1123 2.1: labels of letters, digits and hyphens.  A host whose last label
 * begins with a digit may be read as an IPv4 address by somebody (0x7f.1,
 * 127.1, 2130706433), and no top-level domain begins so.
 */
static bool is_host(const char *host, size_t len)
{
	const char *label = host;

	if (len == 0 || len > HOST_LEN_MAX)
		return false;
	for (size_t i = 0; i <= len; i++) {
		const char *p = host + i;

		if (i < len && *p != '.') {
			if (!is_letter(*p) && !is_digit(*p) && *p != '-')
				return false;
			continue;
		}
		if (p == label || p - label > LABEL_LEN_MAX ||
		    label[0] == '-' || p[-1] == '-')
			return false;
		if (i < len)
			label = p + 1;
	}
	return !is_digit(label[0]);
}

/* The length of "%3A" and a port, 0 if there is none, or -1. */
static int port_len(const char *text, size_t len)
{
	unsigned long port = 0;
	size_t i = 3;

	if (len == 0)
		return 0;
	if (len < 4 || len > 8 || text[0] != '%' || text[1] != '3' ||
	    (text[2] != 'A' && text[2] != 'a') || text[3] == '0')
		return -1;
	for (; i < len && is_digit(text[i]); i++)
		port = port * 10 + (unsigned long)(text[i] - '0');
	return i == len && port <= 65535 ? (int)len : -1;
}

static int hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	return (c | 0x20) - 'a' + 10; /* did_check() has seen it */
}

/* A segment of the path: idchars, no dots alone, no escapes that bite. */
static bool is_segment(const char *segment, size_t len)
{
	if (len == 0 || (len == 1 && segment[0] == '.') ||
	    (len == 2 && segment[0] == '.' && segment[1] == '.'))
		return false;
	for (size_t i = 0; i < len; i++) {
		int value;

		if (segment[i] != '%')
			continue;
		if (len - i < 3)
			return false;
		value =
		    hex_value(segment[i + 1]) * 16 + hex_value(segment[i + 2]);
		if (value < 0x20 || value == 0x7f ||
		    strchr("/\\.%", value) != NULL)
			return false;
		i += 2;
	}
	return true;
}

int did_web_url(char url[DID_WEB_URL_SIZE], const char *did)
{
	const char *host = did + strlen(DID_WEB_SCHEME);
	size_t host_len, first_len, at;
	const char *path;
	int port;

	if (strlen(did) > PARLEY_DID_LEN_MAX ||
	    strncmp(did, DID_WEB_SCHEME, strlen(DID_WEB_SCHEME)) != 0)
		return PARLEY_ERR_FORMAT;
	first_len = strcspn(host, ":");
	host_len = strcspn(host, ":%");
	port = port_len(host + host_len, first_len - host_len);
	if (!is_host(host, host_len) || port < 0)
		return PARLEY_ERR_FORMAT;
	at = (size_t)snprintf(url, DID_WEB_URL_SIZE, "https://%.*s%s%.*s",
			      (int)host_len, host, port > 0 ? ":" : "",
			      port > 0 ? port - 3 : 0,
			      port > 0 ? host + host_len + 3 : "");
	path = host + first_len;
	if (*path == '\0') {
		snprintf(url + at, DID_WEB_URL_SIZE - at,
			 "/.well-known/did.json");
		return 0;
	}
	while (*path == ':') {
		size_t len = strcspn(path + 1, ":");

		if (!is_segment(path + 1, len))
			return PARLEY_ERR_FORMAT;
		at += (size_t)snprintf(url + at, DID_WEB_URL_SIZE - at, "/%.*s",
				       (int)len, path + 1);
		path += 1 + len;
	}
	snprintf(url + at, DID_WEB_URL_SIZE - at, "/did.json");
	return 0;
}

/* IANA IPv4 Special-Purpose Address Registry, and multicast and class E. */
static bool is_global4(uint32_t address)
{
	static const struct {
		uint32_t net;
		unsigned bits;
	} special[] = {
	    {0x00000000, 8},  /* 0.0.0.0/8, this network */
	    {0x0a000000, 8},  /* 10.0.0.0/8, private */
	    {0x64400000, 10}, /* 100.64.0.0/10, shared */
	    {0x7f000000, 8},  /* 127.0.0.0/8, loopback */
	    {0xa9fe0000, 16}, /* 169.254.0.0/16, link-local */
	    {0xac100000, 12}, /* 172.16.0.0/12, private */
	    {0xc0000000, 24}, /* 192.0.0.0/24, protocols */
	    {0xc0000200, 24}, /* 192.0.2.0/24, documentation */
	    {0xc0586300, 24}, /* 192.88.99.0/24, 6to4 relays */
	    {0xc0a80000, 16}, /* 192.168.0.0/16, private */
	    {0xc6120000, 15}, /* 198.18.0.0/15, benchmarks */
	    {0xc6336400, 24}, /* 198.51.100.0/24, documentation */
	    {0xcb007100, 24}, /* 203.0.113.0/24, documentation */
	    {0xe0000000, 3},  /* 224.0.0.0/3, multicast and reserved */
	};

	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++) {
		if ((address ^ special[i].net) >> (32 - special[i].bits) == 0)
			return false;
	}
	return true;
}

static uint32_t read_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

/* Global unicast is 2000::/3; what embeds IPv4 is as good as that. */
static bool is_global6(const uint8_t a[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};

	if (memcmp(a, mapped, 12) == 0 || memcmp(a, nat64, 12) == 0)
		return is_global4(read_u32(a + 12));
	if ((a[0] & 0xe0) != 0x20)
		return false;
	if (a[0] == 0x20 && a[1] == 0x02) /* 2002::/16, 6to4 */
		return is_global4(read_u32(a + 2));
	if (a[0] == 0x20 && a[1] == 0x01 && a[2] < 2) /* 2001::/23, protocols */
		return false;
	if (read_u32(a) == 0x20010db8) /* documentation */
		return false;
	return !(a[0] == 0x3f && a[1] == 0xff && a[2] < 0x10); /* RFC 9637 */
}

bool did_web_is_global(const struct sockaddr *address)
{
	struct sockaddr_in6 in6;
	struct sockaddr_in in;

	if (address->sa_family == AF_INET) {
		memcpy(&in, address, sizeof(in));
		return is_global4(ntohl(in.sin_addr.s_addr));
	}
	if (address->sa_family == AF_INET6) {
		memcpy(&in6, address, sizeof(in6));
		return is_global6(in6.sin6_addr.s6_addr);
	}
	return false;
}

#if PARLEY_HAVE_CURL

/*
 * libcurl initialises itself in the first curl_easy_init(), which is safe from
 * any thread from 7.84 on; with an older one, a program with threads calls
 * curl_global_init() before it makes them.
 */

/* One transfer; what the callbacks of libcurl share. */
struct fetch {
	const struct did_web *web;
	char *text;
	size_t len;
	bool refused; /* an address */
	bool too_large;
};

static curl_socket_t open_socket(void *arg, curlsocktype purpose,
				 struct curl_sockaddr *address)
{
	struct fetch *f = arg;

	if (purpose != CURLSOCKTYPE_IPCXN)
		return CURL_SOCKET_BAD;
	if (f->web->may_connect != NULL &&
	    !f->web->may_connect(&address->addr)) {
		f->refused = true;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC,
		      address->protocol);
}

static size_t take_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct fetch *f = arg;

	n *= size;
	if (n > DID_DOCUMENT_TEXT_MAX - f->len) {
		f->too_large = true;
		return 0; /* ends the transfer */
	}
	memcpy(f->text + f->len, bytes, n);
	f->len += n;
	return n;
}

/* All options in one place, each with its reason. */
static CURLcode set_options(CURL *curl, struct fetch *f, const char *url)
{
	CURLcode code = CURLE_OK;

#define SET(option, value)                                                   \
	do {                                                                 \
		if (code == CURLE_OK)                                        \
			code =                                               \
			    curl_easy_setopt(curl, CURLOPT_##option, value); \
	} while (0)
	SET(URL, url);
	/* One protocol, at the start and after each redirect. */
#if LIBCURL_VERSION_NUM >= 0x075500
	SET(PROTOCOLS_STR, "https");
	SET(REDIR_PROTOCOLS_STR, "https");
#else
	SET(PROTOCOLS, (long)CURLPROTO_HTTPS);
	SET(REDIR_PROTOCOLS, (long)CURLPROTO_HTTPS);
#endif
	SET(FOLLOWLOCATION, f->web->redirects > 0 ? 1L : 0L);
	SET(MAXREDIRS, (long)f->web->redirects);
	SET(SSL_VERIFYPEER, 1L);
	SET(SSL_VERIFYHOST, 2L);
	SET(SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (f->web->ca != NULL) {
		SET(CAINFO, f->web->ca);
		SET(CAPATH, NULL); /* these CAs, and no others */
	}
	/* A proxy would connect where we cannot look; none, not even of env. */
	SET(PROXY, "");
	SET(OPENSOCKETFUNCTION, open_socket);
	SET(OPENSOCKETDATA, f);
	SET(WRITEFUNCTION, take_body);
	SET(WRITEDATA, f);
	SET(TIMEOUT_MS, (long)f->web->timeout_ms);
	SET(CONNECTTIMEOUT_MS, (long)f->web->timeout_ms);
	/* Names are resolved without SIGALRM, which is the program's. */
	SET(NOSIGNAL, 1L);
	SET(FRESH_CONNECT, 1L);
	SET(FORBID_REUSE, 1L);
	SET(NETRC, (long)CURL_NETRC_IGNORED);
	SET(USERAGENT, "parley");
#undef SET
	return code;
}

/* What libcurl and the server said, as one of our codes. */
static int judge(CURL *curl, CURLcode code, const struct fetch *f,
		 char detail[DID_WEB_DETAIL_SIZE])
{
	long status = 0;

	if (code == CURLE_OUT_OF_MEMORY)
		return PARLEY_ERR_MEMORY;
	if (f->too_large) {
		snprintf(detail, DID_WEB_DETAIL_SIZE,
			 "document is larger than %d bytes",
			 DID_DOCUMENT_TEXT_MAX);
		return PARLEY_ERR_FETCH;
	}
	if (code != CURLE_OK && f->refused) {
		snprintf(detail, DID_WEB_DETAIL_SIZE,
			 "host has no public address");
		return PARLEY_ERR_FETCH;
	}
	if (code != CURLE_OK) {
		snprintf(detail, DID_WEB_DETAIL_SIZE, "%s",
			 curl_easy_strerror(code));
		return PARLEY_ERR_FETCH;
	}
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	if (status == 200)
		return 0;
	snprintf(detail, DID_WEB_DETAIL_SIZE, "HTTP status %ld", status);
	return status == 404 || status == 410 ? PARLEY_ERR_NOT_FOUND
					      : PARLEY_ERR_FETCH;
}

int did_web_fetch(char **textp, size_t *lenp, const struct did_web *web,
		  const char *url, char detail[DID_WEB_DETAIL_SIZE])
{
	struct fetch f = {.web = web};
	CURL *curl = NULL;
	CURLcode code;
	int err = PARLEY_ERR_MEMORY;

	f.text = malloc(DID_DOCUMENT_TEXT_MAX + 1);
	curl = curl_easy_init();
	if (f.text == NULL || curl == NULL)
		goto out;
	code = set_options(curl, &f, url);
	if (code == CURLE_OK)
		code = curl_easy_perform(curl);
	err = judge(curl, code, &f, detail);
	if (err != 0)
		goto out;
	f.text[f.len] = '\0';
	*textp = f.text;
	*lenp = f.len;
	f.text = NULL; /* the caller's now */
out:
	curl_easy_cleanup(curl);
	free(f.text);
	return err;
}

#else

int did_web_fetch(char **textp, size_t *lenp, const struct did_web *web,
		  const char *url, char detail[DID_WEB_DETAIL_SIZE])
{
	(void)textp;
	(void)lenp;
	(void)web;
	(void)url;
	snprintf(detail, DID_WEB_DETAIL_SIZE, "built without libcurl");
	return PARLEY_ERR_UNSUPPORTED;
}

#endif /* PARLEY_HAVE_CURL */
