/*
 * Retransmission and resume (PROTOCOL 5.6, 6.3, 8.1) between two ends, for
 * spin.  run.sh says with which bounds, and breaks the model on purpose.
 *
 * What is checked, for every order of steps and every choice of LOSSES lost,
 * COPIES repeated, SWAPS delayed and ERRORS corrupted frames, CUTS broken
 * connections and STRANGERS replayed resumes:
 *
 *   once, in order   each message is handed out once, in order (D1)
 *   no error         no honest end breaks the channel (D2)
 *   progress         when the carrier has done its worst, everything arrives
 *                    and is acknowledged; neither do the ends wait for each
 *                    other (D3), nor go on for ever without getting on (D4)
 *
 * A record is its number: its bytes never change, so what it says is looked
 * up at its sender.  Timers are slow: an ACK that is not urgent goes when
 * nothing else can happen, and a probe when no ACK is owed either.  Everything
 * else happens at any time.  What came early is dropped and not kept, which
 * PROTOCOL 6.3 leaves to the receiver.  PINGS is how many probes are PINGs
 * before the oldest record goes again: 0 is how short records are probed for.
 * A PING is answered by an ACK, and no PONG.
 *
 * BREAK_... are wrong on purpose: without the mark that says so, each was a
 * plausible implementation, and two of them were ours.
 */
#ifndef N
#define N 2 /* messages each way */
#endif
#ifndef M
#define M 14 /* records each way: more than are ever needed (D4) */
#endif
#ifndef WINDOW
#define WINDOW N /* messages under way that were not taken */
#endif
#ifndef PROBES
#define PROBES 12 /* more than are ever needed (D4) */
#endif
#ifndef PINGS
#define PINGS 0
#endif
#ifndef LOSSES
#define LOSSES 0
#endif
#ifndef COPIES
#define COPIES 0
#endif
#ifndef SWAPS
#define SWAPS 0
#endif
#ifndef ERRORS
#define ERRORS 0
#endif
#ifndef CUTS
#define CUTS 0
#endif
#ifndef STRANGERS
#define STRANGERS 0
#endif
#ifndef N_BACK
#define N_BACK N
#endif

#define CONNS (1 + 2 * CUTS) /* both ends may dial after a cut */
#define NONE 99
#define THEIRS 98 /* the stranger's: goes nowhere, never ends */
#define Q 6

#define DATA 0
#define ACK 1
#define GAP 2
#define PING 3

typedef end_t {
	/* Records kept, by number: PROTOCOL 6.1, 6.2. */
	byte kind[M]; byte next[M]; byte limit[M];
	byte seq;       /* of the next record */
	byte unsent;    /* the first that is to be sent (again) */
	byte acked;     /* the other's next, as known */
	byte ack_item;  /* the next of its last ACK or GAP */
	byte eliciting; /* its next once nothing calls for an ACK */
	byte data_end;  /* its next once all messages arrived */
	byte sent, sent_limit; /* messages */
	bool probing;
	bool asked;     /* a GAP came since acked moved */
	byte pings;     /* sent since then */

	byte in;        /* the next record expected */
	byte got, taken, got_limit; /* messages */
	bool owed;      /* an ACK */
	bool gap;       /* a GAP is to be sent */
	byte gap_in;    /* in + 1 when GAP was said last */
	bool gap_again; /* a probe went since */

	byte conn;      /* in use, or NONE */
	/* PROTOCOL 5.6, as who dials: */
	byte step;      /* 0, 1: challenged, 2: answered */
	byte dialled;
	byte challenge, answer; /* the next in them */
};

end_t e[2];
bool alive[CONNS];
byte n_conns = 1;
chan q[2 * CONNS] = [Q] of { byte }; /* 2 * conn + who receives */
byte losses, copies, swaps, errors, cuts, strangers, probes;

/* Leftovers in variables would only multiply the states. */
#define CLEAR s = 0; n = 0; l = 0; g = false

#define MESSAGES(i) (i == 0 -> N : N_BACK)
#define QUEUE(k, i) q[2 * (k) + (i)]
#define USABLE(i) (e[i].conn < CONNS && alive[e[i].conn])
#define PROBE_DUE(i) (e[i].acked < e[i].eliciting)
#define COMPLETE(i) (e[i].got == MESSAGES(1 - i) && !PROBE_DUE(i))

/* PROTOCOL 6.3: everything from next on goes again. */
inline resend(i, from)
{
	e[i].unsent = from
}

inline record(i, what, n, l)
{
	assert(e[i].seq < M);	/* D4 */
	e[i].kind[e[i].seq] = what;
	e[i].next[e[i].seq] = n;
	e[i].limit[e[i].seq] = l;
	e[i].seq++
}

inline ping(i)
{
	record(i, PING, 0, 0);
	e[i].eliciting = e[i].seq
}

/* ACK or GAP: PROTOCOL 6.3, 8.1. */
inline say(i)
{
	if
	:: e[i].gap -> record(i, GAP, e[i].in, e[i].taken + WINDOW)
	:: else -> record(i, ACK, e[i].in, e[i].taken + WINDOW)
	fi;
	e[i].gap = false;
	e[i].owed = false;
#ifndef BREAK_CLOSED_WINDOW
	/* It opens a closed window: with a PING, so it calls for an ACK. */
	if
	:: e[i].got >= e[i].got_limit && e[i].taken + WINDOW > e[i].got_limit ->
		e[i].eliciting = e[i].seq;
		e[i].limit[e[i].seq - 1] = e[i].taken + WINDOW + 100
	:: else
	fi;
#endif
	e[i].got_limit = e[i].taken + WINDOW
}

/* An ACK or GAP came: PROTOCOL 6.2, 6.3. */
inline on_ack(i, n, l, is_gap)
{
	d_step {
#ifdef BREAK_OLD_ACK
	assert(n >= e[i].acked);
#endif
	assert(n >= e[i].ack_item && n <= e[i].seq);	/* D2 */
	e[i].ack_item = n;
	if
	:: l >= 100 -> l = l - 100; e[i].owed = true
	:: else
	fi;
	assert(l >= e[i].sent_limit);
	e[i].sent_limit = l;
	g = false;
	if
	:: n > e[i].acked ->
		g = e[i].probing;
		e[i].probing = false;
		e[i].pings = 0;
		e[i].asked = false;
		e[i].acked = n
	:: else
	fi;
	e[i].asked = e[i].asked || is_gap;
	if
	:: e[i].unsent < e[i].acked || is_gap -> resend(i, e[i].acked)
	:: else
	fi;
	if
	:: g && !is_gap && e[i].acked < e[i].data_end -> ping(i)
	:: else
	fi
	}
}

/* Not the next record: PROTOCOL 6.3. */
inline missing(i)
{
	if
	:: e[i].gap_in != e[i].in + 1 ->
		e[i].gap_in = e[i].in + 1; e[i].gap_again = false;
		e[i].gap = true
#ifndef BREAK_GAP_ONCE
	:: e[i].gap_in == e[i].in + 1 && e[i].gap_again ->
		resend(i, e[i].acked);
		e[i].gap_again = false; e[i].gap = true
#endif
	:: else
	fi
}

inline open(i, s)
{
	if
#ifdef BREAK_ANY_NUMBER
	:: true ->
#else
	:: s == e[i].in ->
#endif
		if
		:: e[1 - i].kind[s] == DATA ->
			assert(e[1 - i].next[s] == e[i].got);	/* D1 */
			assert(e[i].got < e[i].got_limit);	/* D2 */
			e[i].got++;
			e[i].owed = true
		:: e[1 - i].kind[s] == PING -> e[i].owed = true
		:: else ->
			n = e[1 - i].next[s];
			l = e[1 - i].limit[s];
			on_ack(i, n, l, (e[1 - i].kind[s] == GAP))
		fi;
		e[i].in++
#ifndef BREAK_ANY_NUMBER
	:: s < e[i].in -> e[i].owed = true
	:: else -> missing(i)
#endif
	fi
}

/* E3, F4: the channel goes on over connection k. */
inline take(i, k, n)
{
#ifdef BREAK_OVERTAKEN
	assert(n >= e[i].acked);
#endif
	assert(n <= e[i].seq);	/* D2 */
	if
	:: n > e[i].acked -> e[i].acked = n
	:: else
	fi;
	e[i].conn = k;
#ifdef BREAK_FORGET
	e[i].acked = e[i].seq;
	e[i].unsent = e[i].seq
#else
	resend(i, e[i].acked)
#endif
}

proctype end_of(byte i)
{
	byte s, n, l;
	bool g;

end:	do
	/* The program. */
	:: atomic { e[i].sent < MESSAGES(i) && e[i].sent < e[i].sent_limit ->
		record(i, DATA, e[i].sent, 0);
		e[i].sent++;
		e[i].data_end = e[i].seq;
		e[i].eliciting = e[i].seq }
	:: atomic { e[i].taken < e[i].got ->
		e[i].taken++;
		if
		:: e[i].taken + WINDOW > e[i].got_limit &&
		   e[i].got >= e[i].got_limit -> say(i)
		:: else
		fi }

	/* PROTOCOL 6.3. */
	:: atomic { e[i].gap -> say(i) }
#if WINDOW < N
	/* The program computes for longer than an ACK may wait. */
	:: atomic { e[i].owed && e[i].taken < e[i].got -> say(i) }
#endif
	:: atomic { USABLE(i) && e[i].unsent < e[i].seq &&
	            nfull(QUEUE(e[i].conn, 1 - i)) ->
		QUEUE(e[i].conn, 1 - i)!e[i].unsent;
		e[i].unsent++ }
	:: atomic { e[i].conn == THEIRS && e[i].unsent < e[i].seq ->
		e[i].unsent = e[i].seq }

	/* From any connection, former ones too. */
	:: atomic { QUEUE(0, i)?s -> open(i, s); CLEAR }
#if CUTS > 0
	:: atomic { QUEUE(1, i)?s -> open(i, s); CLEAR }
	:: atomic { QUEUE(2, i)?s -> open(i, s); CLEAR }
#endif
#if CUTS > 1
	:: atomic { QUEUE(3, i)?s -> open(i, s); CLEAR }
	:: atomic { QUEUE(4, i)?s -> open(i, s); CLEAR }
#endif

#if CUTS > 0
	/* PROTOCOL 8.3: an end notices in its own time, and dials. */
	:: atomic { e[i].conn < CONNS && !alive[e[i].conn] ->
		e[i].conn = NONE }
	/* E1, F1-F3 */
	:: atomic { e[i].conn == NONE && e[i].step == 0 ->
		assert(n_conns < CONNS);
		e[i].dialled = n_conns;
		alive[n_conns] = true;
		n_conns++;
		e[i].challenge = e[1 - i].in;
		e[i].step = 1 }
	/* E2, E3 */
	:: atomic { e[i].step == 1 && alive[e[i].dialled] ->
		n = e[i].challenge;
		take(i, e[i].dialled, n);
		e[i].answer = e[i].in;
		e[i].step = 2;
		e[i].challenge = 0; CLEAR }
	/* F4, at the other end */
	:: atomic { e[1 - i].step == 2 && alive[e[1 - i].dialled] ->
		n = e[1 - i].answer;
		take(i, e[1 - i].dialled, n);
		e[1 - i].step = 0;
		e[1 - i].answer = 0; CLEAR }
	:: atomic { e[i].step > 0 && !alive[e[i].dialled] ->
		e[i].step = 0; e[i].challenge = 0; e[i].answer = 0 }
#endif
	od
}

/* What the network does, on connection k towards end i. */
inline harm(k, i)
{
	if
	:: atomic { losses < LOSSES && nempty(QUEUE(k, i)) ->
		losses++; QUEUE(k, i)?s; s = 0 }
	:: atomic { copies < COPIES && nempty(QUEUE(k, i)) &&
	            nfull(QUEUE(k, i)) ->
		copies++; QUEUE(k, i)?<s>; QUEUE(k, i)!s; s = 0 }
	:: atomic { swaps < SWAPS && len(QUEUE(k, i)) > 1 ->
		swaps++; QUEUE(k, i)?s; QUEUE(k, i)!s; s = 0 }
	:: atomic { errors < ERRORS && nempty(QUEUE(k, i)) ->
		errors++; QUEUE(k, i)?s; missing(i); s = 0 }
	:: atomic { cuts < CUTS && k < n_conns && alive[k] ->
		cuts++;
		alive[k] = false;
		/* What was under way is lost, or comes late. */
		if
		:: do
		   :: QUEUE(k, i)?s
		   :: empty(QUEUE(k, i)) -> break
		   od
		:: true
		fi;
		if
		:: do
		   :: QUEUE(k, 1 - i)?s
		   :: empty(QUEUE(k, 1 - i)) -> break
		   od
		:: true
		fi;
		s = 0 }
	:: atomic { strangers < STRANGERS ->
		strangers++;
		/* F1-F3: Y sends a challenge, and nothing changes. */
#ifdef BREAK_FIRST_RESUME
		take(i, THEIRS, e[i].acked)
#endif
	   }
	fi
}

proctype network()
{
	byte s;

end:	do
	:: harm(0, 0)
	:: harm(0, 1)
#if CUTS > 0
	:: harm(1, 0)
	:: harm(1, 1)
#endif
	od
}

inline probe(i)
{
	atomic {
		probes++;
		assert(probes < PROBES);	/* D4 */
		e[i].gap_again = true;
		if
#ifdef BREAK_ONLY_PINGS
		:: true ->
#else
		:: e[i].pings < PINGS && !e[i].asked ->
#endif
			e[i].pings++;
			ping(i)
#ifndef BREAK_ONLY_PINGS
		:: else ->
			e[i].probing = true;
			if
			:: USABLE(i) && nfull(QUEUE(e[i].conn, 1 - i)) ->
				QUEUE(e[i].conn, 1 - i)!e[i].acked
			:: !USABLE(i) || full(QUEUE(e[i].conn, 1 - i)) -> skip
			fi
#endif
		fi
	}
}

init {
	atomic {
		e[0].sent_limit = WINDOW; e[0].got_limit = WINDOW;
		e[1].sent_limit = WINDOW; e[1].got_limit = WINDOW;
		alive[0] = true;
		run end_of(0);
		run end_of(1);
		run network()
	}
	do
	:: timeout ->
		if
		:: e[0].owed -> atomic { say(0) }
		:: e[1].owed -> atomic { say(1) }
		:: !e[0].owed && !e[1].owed && COMPLETE(0) && COMPLETE(1) ->
			break
		:: !e[0].owed && !e[1].owed && PROBE_DUE(0) -> probe(0)
		:: !e[0].owed && !e[1].owed && PROBE_DUE(1) -> probe(1)
		:: else -> assert(false)	/* D3 */
		fi
	od
}
