/*
 * twinring: two processes, two rings. Link with -ltwinring_c.
 *
 * Made from the source by cbindgen: do not edit.
 *
 * Results. A function that can fail returns a twinring_status: TWINRING_OK (0), or what kept it from doing what it is for.
 * twinring_error_text() says what was expected and what came. A handle that a function hands out is null if it fails. A null
 * handle or pointer is TWINRING_BAD_ARGUMENT unless it says otherwise. Nothing throws, and no handler may.
 *
 * Ownership. A handle is made by the library and belongs to the caller until it is closed, freed or taken over. A handle
 * that was taken over, also by a function that then failed, must not be used again. What the caller passes stays its own
 * unless it says otherwise, and is not used after the function has returned.
 *
 * Threads. "Any": also at the same time as everything else. "Any number at a time": so may functions that say the same use one
 * handle. "One at a time": no two threads use the handle at once; it may go from one to another. Handles are independent of each
 * other: a sender and its receiver may be used by two threads.
 *
 * Forks. In a child made by fork() every handle of the parent's answers TWINRING_FORKED; to close it there does nothing to the
 * parent's.
 *
 * Times are in nanoseconds; a negative one is for ever.
 */

#ifndef TWINRING_H
#define TWINRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/**
 * What is known of a request whose call failed.
 */
enum twinring_outcome
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * The peer's handler has not seen it and will not: it can be sent again.
     */
    TWINRING_OUTCOME_NOT_RUN = 0,
    /**
     * Nobody knows.
     */
    TWINRING_OUTCOME_MAY_HAVE_RUN = 1,
    /**
     * The peer's handler ran.
     */
    TWINRING_OUTCOME_RAN = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum twinring_outcome twinring_outcome;
#else
typedef int32_t twinring_outcome;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How something went. 0 is success; twinring_error_text() says more about what is not.
 */
enum twinring_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * It was done.
     */
    TWINRING_OK = 0,
    /**
     * An argument is null, out of range or not what it must be.
     */
    TWINRING_BAD_ARGUMENT = 1,
    /**
     * Not now: a reservation or a borrowed message is open, or the request is an event or has been answered.
     */
    TWINRING_BAD_STATE = 2,
    /**
     * No message yet.
     */
    TWINRING_EMPTY = 3,
    /**
     * No room until the peer has received more.
     */
    TWINRING_FULL = 4,
    /**
     * The time is over.
     */
    TWINRING_TIMEOUT = 5,
    /**
     * The peer has left in order. Final.
     */
    TWINRING_CLOSED = 6,
    /**
     * The peer has died or hung up. Final.
     */
    TWINRING_DISCONNECTED = 7,
    /**
     * The peer wrote what an honest one would not. Final.
     */
    TWINRING_CORRUPT = 8,
    /**
     * The handle belongs to the parent of this process. Final.
     */
    TWINRING_FORKED = 9,
    /**
     * The message is larger than the ring or the peer takes. It was not sent.
     */
    TWINRING_TOO_LARGE = 10,
    /**
     * The buffer is smaller than the message, which stays: the next receive finds it.
     */
    TWINRING_TOO_SMALL = 11,
    /**
     * Another process listens there.
     */
    TWINRING_IN_USE = 12,
    /**
     * Nobody listens there.
     */
    TWINRING_ABSENT = 13,
    /**
     * The other side does not want this one, or this one not the other, and says why.
     */
    TWINRING_REFUSED = 14,
    /**
     * The two did not come to a connection: versions, a broken protocol, an unfit half of the region.
     */
    TWINRING_HANDSHAKE = 15,
    /**
     * The system did not give what was needed: memory, sockets, threads.
     */
    TWINRING_SYSTEM = 16,
    /**
     * This side promised never to sleep, so there is nothing to poll.
     */
    TWINRING_SPINS = 17,
    /**
     * As many calls are in flight as the peer accepts.
     */
    TWINRING_BUSY = 18,
    /**
     * Both sides send more than the other takes in.
     */
    TWINRING_CONGESTED = 19,
    /**
     * The peer has no handler for the selector.
     */
    TWINRING_NO_SELECTOR = 20,
    /**
     * The peer has too many requests at once, or they are nested too deeply.
     */
    TWINRING_OVERLOADED = 21,
    /**
     * The peer's handler failed, and says why.
     */
    TWINRING_FAILED = 22,
    /**
     * The peer's handler ran, but its reply is larger than this side accepts.
     */
    TWINRING_REPLY_TOO_LARGE = 23,
    /**
     * The peer's handler gave the request away, and nobody answered it.
     */
    TWINRING_NOT_ANSWERED = 24,
    /**
     * A bug in the library was met and contained.
     */
    TWINRING_PANICKED = 25,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum twinring_status twinring_status;
#else
typedef int32_t twinring_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How a side waits.
 */
enum twinring_wait
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * It never sleeps: for the last nanosecond, with a core to spare. The peer is promised so.
     */
    TWINRING_WAIT_SPIN = 0,
    /**
     * It spins about as long as a sleep would cost, then sleeps. The default.
     */
    TWINRING_WAIT_SPIN_THEN_PARK = 1,
    /**
     * It sleeps at once.
     */
    TWINRING_WAIT_PARK = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum twinring_wait twinring_wait;
#else
typedef int32_t twinring_wait;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What may carry the messages of a connection.
 */
enum twinring_transport
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Rings in shared memory. The default.
     */
    TWINRING_TRANSPORT_SHARED_MEMORY = 0,
    /**
     * The socket itself, and no shared memory: for sandboxes that forbid shared mappings. A message costs system calls.
     */
    TWINRING_TRANSPORT_SOCKET = 1,
    /**
     * Shared memory, or the socket if either side cannot or will not share memory.
     */
    TWINRING_TRANSPORT_ANY = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum twinring_transport twinring_transport;
#else
typedef int32_t twinring_transport;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Two processes that can send to each other: to be split into its two ends, or made a session.
 */
typedef struct twinring_connection twinring_connection;

/**
 * Where connectors are accepted.
 */
typedef struct twinring_listener twinring_listener;

/**
 * What can be chosen about a connection. Null in its place stands for the defaults.
 */
typedef struct twinring_options twinring_options;

/**
 * A call whose reply is still to be taken.
 */
typedef struct twinring_pending twinring_pending;

/**
 * The end that receives.
 */
typedef struct twinring_receiver twinring_receiver;

/**
 * Memory for a reply, of whatever size it is; used again and again it costs no allocation.
 */
typedef struct twinring_reply twinring_reply;

/**
 * A call or an event of the other side, while its handler runs: valid until that returns, on its thread alone.
 */
typedef struct twinring_request twinring_request;

/**
 * The means to answer one call, now or later.
 */
typedef struct twinring_responder twinring_responder;

/**
 * The end that sends.
 */
typedef struct twinring_sender twinring_sender;

/**
 * A connection on which both sides call, answer and send events.
 */
typedef struct twinring_session twinring_session;

/**
 * What can be chosen about a session. Null in its place stands for the defaults.
 */
typedef struct twinring_session_options twinring_session_options;

/**
 * A process by the kernel's word. -1 stands for what cannot be expressed here (another namespace): unknown, not root, not
 * nobody.
 */
typedef struct twinring_peer {
    /**
     * The process.
     */
    int64_t pid;
    /**
     * Its effective user.
     */
    int64_t uid;
    /**
     * Its effective group.
     */
    int64_t gid;
} twinring_peer;

/**
 * Decides who may be at the other end: null lets `peer` in, a text refuses it for that reason, which it is told. The text is
 * copied at once. `peer` is valid during the call.
 */
typedef const char *(*twinring_authorise)(const struct twinring_peer *peer, void *user_data);

/**
 * What a listener has counted since it was made.
 */
typedef struct twinring_listener_counters {
    /**
     * Clients that became connections.
     */
    uint64_t accepted;
    /**
     * Clients that were not authorised.
     */
    uint64_t refused;
    /**
     * Clients that refused this listener.
     */
    uint64_t declined;
    /**
     * Clients that broke the protocol, hung up or took too long.
     */
    uint64_t failed;
} twinring_listener_counters;

/**
 * What a sender has counted since it was made.
 */
typedef struct twinring_sender_counters {
    /**
     * Messages sent.
     */
    uint64_t messages;
    /**
     * Bytes of payload sent.
     */
    uint64_t bytes;
    /**
     * How often there was no room, and it had to be waited for.
     */
    uint64_t times_full;
    /**
     * How often it slept for want of room.
     */
    uint64_t sleeps;
    /**
     * How often it woke the receiver.
     */
    uint64_t wakes;
} twinring_sender_counters;

/**
 * What a receiver has counted since it was made.
 */
typedef struct twinring_receiver_counters {
    /**
     * Messages received and released.
     */
    uint64_t messages;
    /**
     * Bytes of payload received and released.
     */
    uint64_t bytes;
    /**
     * How often it slept for want of a message.
     */
    uint64_t sleeps;
    /**
     * How often it woke the sender.
     */
    uint64_t wakes;
} twinring_receiver_counters;

/**
 * Answers a call: TWINRING_OK sends what twinring_request_reply() was given; TWINRING_NO_SELECTOR, TWINRING_REFUSED and
 * TWINRING_OVERLOADED tell the caller just that, any other code that the handler failed, with the text of
 * twinring_request_explain(). May run on several threads at once. Must return: no longjmp(), no exception.
 */
typedef int32_t (*twinring_on_call)(struct twinring_request *request, void *user_data);

/**
 * Takes an event. As twinring_on_call otherwise.
 */
typedef void (*twinring_on_event)(struct twinring_request *request, void *user_data);

/**
 * What a side of a session has counted since it began.
 */
typedef struct twinring_session_counters {
    /**
     * Calls of this side that were sent.
     */
    uint64_t calls;
    /**
     * Events of this side that were sent.
     */
    uint64_t events;
    /**
     * Calls of the other side that were answered, also by a refusal.
     */
    uint64_t served;
    /**
     * Events of the other side that were handled.
     */
    uint64_t events_taken;
    /**
     * Replies that came when their callers had given up.
     */
    uint64_t late_replies;
} twinring_session_counters;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * A few words for a code, the same for every failure of the kind; for a number that is no code, that it is none. A static
 * text, never null. Any thread.
 */
const char *twinring_status_text(int32_t status);

/**
 * The version of the library that runs, such as "0.1.0". A static text. Any thread.
 */
const char *twinring_version(void);

/**
 * What the last function that failed on this thread expected and what came, in English, without a full stop: never null,
 * empty if none has failed. It is the library's and stays as it is until another function fails on this thread. Success leaves it.
 * Any thread: each has its own.
 */
const char *twinring_error_text(void);

/**
 * What is known of the request, if what failed last on this thread was a call. Any thread: each has its own.
 */
twinring_outcome twinring_error_outcome(void);

/**
 * The defaults. Free it with twinring_options_free(); what was made with it does not need it any more. Null if there is no memory
 * for it. Threads: any; then one at a time, or many that only pass it.
 */
struct twinring_options *twinring_options_new(void);

/**
 * Frees options; null is nothing. Threads: one, as the last use.
 */
void twinring_options_free(struct twinring_options *options);

/**
 * The size in bytes of the ring that this side sends through: rounded up to a power of two between 4 KiB and 256 MiB; 1 MiB if
 * not chosen. The largest message is about 7/16 of it. Threads: one at a time.
 */
twinring_status twinring_options_ring_capacity(struct twinring_options *options,
                                               size_t bytes);

/**
 * The largest ring in bytes that the peer may send through; 256 MiB if not chosen. Threads: one at a time.
 */
twinring_status twinring_options_largest_peer_ring(struct twinring_options *options, size_t bytes);

/**
 * How this side waits: a value of twinring_wait. Threads: one at a time.
 */
twinring_status twinring_options_wait(struct twinring_options *options, int32_t wait);

/**
 * What may carry the messages: a value of twinring_transport. The two sides have to agree, or there is no connection:
 * TWINRING_HANDSHAKE for one, TWINRING_REFUSED for the other. Threads: one at a time.
 */
twinring_status twinring_options_transport(struct twinring_options *options, int32_t transport);

/**
 * Whether this side's half should lie in huge pages, if there are any. Threads: one at a time.
 */
twinring_status twinring_options_huge_pages(struct twinring_options *options, bool wanted);

/**
 * How long a listener lets a client take for its handshake, in nanoseconds, not negative; 2 s if not chosen. Threads: one at a
 * time.
 */
twinring_status twinring_options_handshake_timeout(struct twinring_options *options,
                                                   int64_t nanoseconds);

/**
 * The permissions of a listener's socket; 0600 if not chosen. Threads: one at a time.
 */
twinring_status twinring_options_socket_mode(struct twinring_options *options, uint32_t mode);

/**
 * Who may be at the other end, by the kernel's word: `authorise` is asked by listeners and by connectors, each about the other; only
 * processes of the same effective user if not chosen. `user_data` is handed to it as it is, and must live as long as what is
 * made with these options. It runs on the thread that connects or accepts, possibly on several at once, and must not throw.
 * Threads: one at a time.
 */
twinring_status twinring_options_authorise(struct twinring_options *options,
                                           twinring_authorise authorise,
                                           void *user_data);

/**
 * Connects to a listener at `endpoint`: a name of this user's (no '/' in it), or a path. Tries for `timeout_ns` nanoseconds if
 * nobody listens yet, for ever if that is negative. `options` may be null. Blocks. Close `*connection` with
 * twinring_connection_close(), or give it to twinring_connection_split() or twinring_session_new(). Threads: any.
 */
twinring_status twinring_connect(const char *endpoint,
                                 const struct twinring_options *options,
                                 int64_t timeout_ns,
                                 struct twinring_connection **connection);

/**
 * Connects over one end of a SOCK_SEQPACKET socket pair, whose other end goes to twinring_accept_over() in whatever process
 * inherited it. Takes `socket` over: it is closed in any case. Blocks for at most `timeout_ns` nanoseconds, for ever if
 * negative. `*connection` as from twinring_connect(). Threads: any.
 */
twinring_status twinring_connect_over(int socket,
                                      const struct twinring_options *options,
                                      int64_t timeout_ns,
                                      struct twinring_connection **connection);

/**
 * The other side of twinring_connect_over(). Threads: any.
 */
twinring_status twinring_accept_over(int socket,
                                     const struct twinring_options *options,
                                     int64_t timeout_ns,
                                     struct twinring_connection **connection);

/**
 * Connects two threads of this process. `*here` and `*there` as from twinring_connect(). Threads: any.
 */
twinring_status twinring_pair(const struct twinring_options *options,
                              struct twinring_connection **here,
                              struct twinring_connection **there);

/**
 * Writes the name of the endpoint that belongs to the directory of the running program to `buffer`, of `capacity` bytes, with a
 * closing zero byte; 64 bytes are enough. Programs of this user's that lie in one directory find each other by it; one of them
 * listens. Threads: any.
 */
twinring_status twinring_endpoint_beside_exe(void *buffer,
                                             size_t capacity);

/**
 * Who is at the other end, by the kernel's word. Threads: one at a time.
 */
twinring_status twinring_connection_peer(const struct twinring_connection *connection, struct twinring_peer *peer);

/**
 * What carries the messages: a value of twinring_transport, as the two sides agreed. Threads: one at a time.
 */
twinring_status twinring_connection_transport(const struct twinring_connection *connection, int32_t *transport);

/**
 * Splits a connection into its two ends, each for a thread of its own. Takes `connection` over, which is gone afterwards in any
 * case. Close both ends. Threads: one, as the last use.
 */
twinring_status twinring_connection_split(struct twinring_connection *connection,
                                          struct twinring_sender **sender,
                                          struct twinring_receiver **receiver);

/**
 * Hangs up; null is nothing. Threads: one, as the last use.
 */
void twinring_connection_close(struct twinring_connection *connection);

/**
 * Listens at `endpoint`: a name of this user's (no '/' in it), or a path. A socket that a dead listener left is replaced, a
 * live one is not. `options` may be null. Close `*listener` with twinring_listener_close(). Threads: any.
 */
twinring_status twinring_listen(const char *endpoint,
                                const struct twinring_options *options,
                                struct twinring_listener **listener);

/**
 * Waits for a client that can be accepted, for at most `timeout_ns` nanoseconds, for ever if negative. A client that is refused,
 * hangs up or breaks the protocol is only counted. `*connection` as from twinring_connect(). Blocks. Threads: one at a time.
 */
twinring_status twinring_accept(struct twinring_listener *listener,
                                int64_t timeout_ns,
                                struct twinring_connection **connection);

/**
 * A descriptor that becomes readable when a client connects: for poll(2) and the like, then twinring_accept(). It is the
 * listener's, and is closed with it. Threads: one at a time.
 */
twinring_status twinring_listener_fd(const struct twinring_listener *listener,
                                     int32_t *fd);

/**
 * What the listener has counted; `size` is that of twinring_listener_counters. Threads: one at a time.
 */
twinring_status twinring_listener_count(const struct twinring_listener *listener,
                                        struct twinring_listener_counters *counters,
                                        size_t size);

/**
 * Stops listening; null is nothing. Connections stay. Threads: one, as the last use.
 */
void twinring_listener_close(struct twinring_listener *listener);

/**
 * Sends `length` bytes as one message, waiting for room as long as it takes. `data` stays the caller's, and may be used again at
 * once; null if `length` is 0. Threads: one at a time.
 */
twinring_status twinring_send(struct twinring_sender *sender,
                              const void *data,
                              size_t length);

/**
 * The same if there is room now, else TWINRING_FULL. Never blocks. Threads: one at a time.
 */
twinring_status twinring_try_send(struct twinring_sender *sender, const void *data, size_t length);

/**
 * The same, waiting for room for at most `timeout_ns` nanoseconds, for ever if negative. Threads: one at a time.
 */
twinring_status twinring_send_timeout(struct twinring_sender *sender,
                                      const void *data,
                                      size_t length,
                                      int64_t timeout_ns);

/**
 * Sends `count` pieces, one after the other, as one message, waiting for room as long as it takes. They stay the caller's.
 * Threads: one at a time.
 */
twinring_status twinring_send_vectored(struct twinring_sender *sender,
                                       const struct iovec *pieces,
                                       size_t count);

/**
 * Lends room for a message of `length` bytes, to be written in place; waits for it as long as it takes. `*room` is the sender's,
 * holds whatever was written there last, and may be used until twinring_commit() or twinring_abandon(), by any thread; until
 * then the sender sends nothing else. Threads: one at a time.
 */
twinring_status twinring_reserve(struct twinring_sender *sender,
                                 size_t length,
                                 void **room);

/**
 * The same, waiting for room for at most `timeout_ns` nanoseconds, for ever if negative. Threads: one at a time.
 */
twinring_status twinring_reserve_timeout(struct twinring_sender *sender,
                                         size_t length,
                                         int64_t timeout_ns,
                                         void **room);

/**
 * The same if there is room now, else TWINRING_FULL. Never blocks. Threads: one at a time.
 */
twinring_status twinring_try_reserve(struct twinring_sender *sender, size_t length, void **room);

/**
 * Sends the first `length` bytes of what was reserved as one message. If more is asked for than that, the reservation stays open.
 * Threads: one at a time.
 */
twinring_status twinring_commit(struct twinring_sender *sender,
                                size_t length);

/**
 * Gives a reservation up: nothing is sent. Threads: one at a time.
 */
twinring_status twinring_abandon(struct twinring_sender *sender);

/**
 * The largest message in bytes. Threads: one at a time.
 */
twinring_status twinring_sender_largest(struct twinring_sender *sender, size_t *largest);

/**
 * What the sender has counted; `size` is that of twinring_sender_counters. Threads: one at a time.
 */
twinring_status twinring_sender_count(struct twinring_sender *sender,
                                      struct twinring_sender_counters *counters,
                                      size_t size);

/**
 * Says that nothing will follow, and waits until the peer has received everything and closed its receiver. Takes `sender` over,
 * which is gone afterwards in any case; a reservation is abandoned. Blocks. Threads: one, as the last use.
 */
twinring_status twinring_finish(struct twinring_sender *sender);

/**
 * Says that nothing will follow; null is nothing. The peer receives what was sent and then TWINRING_CLOSED. A reservation is
 * abandoned. Threads: one, as the last use.
 */
void twinring_sender_close(struct twinring_sender *sender);

/**
 * Receives a message into `buffer`, waiting for it as long as it takes; `*length` says how long it is. If it is longer than
 * `capacity`, the answer is TWINRING_TOO_SMALL, `*length` says how much is needed, and the next receive finds the message again.
 * The buffer stays the caller's. Threads: one at a time.
 */
twinring_status twinring_recv(struct twinring_receiver *receiver,
                              void *buffer,
                              size_t capacity,
                              size_t *length);

/**
 * The same if a message has come, else TWINRING_EMPTY. Never blocks. Threads: one at a time.
 */
twinring_status twinring_try_recv(struct twinring_receiver *receiver, void *buffer, size_t capacity, size_t *length);

/**
 * The same, waiting for at most `timeout_ns` nanoseconds, for ever if negative. Threads: one at a time.
 */
twinring_status twinring_recv_timeout(struct twinring_receiver *receiver,
                                      void *buffer,
                                      size_t capacity,
                                      int64_t timeout_ns,
                                      size_t *length);

/**
 * Receives a message in place, without a copy: `*data` points to its `*length` bytes in shared memory, aligned to 8 bytes.
 * Waits for at most `timeout_ns` nanoseconds, for ever if negative; 0 only looks, and says TWINRING_EMPTY if none has come. The
 * bytes are the peer's: an honest one does not change them before twinring_release(), a lying one can, so read each once or
 * copy before checking. They may be read until twinring_release(), by any thread; until then nothing else is received. Threads:
 * one at a time.
 */
twinring_status twinring_borrow(struct twinring_receiver *receiver,
                                int64_t timeout_ns,
                                const void **data,
                                size_t *length);

/**
 * Releases a borrowed message: its room goes back to the sender. Threads: one at a time.
 */
twinring_status twinring_release(struct twinring_receiver *receiver);

/**
 * Prepares to wait for the descriptor of twinring_receiver_fd() in poll(2) or the like. `*ready` says whether there is a message
 * or the end already: then receive, and do not wait. Otherwise the descriptor becomes readable once when there is. Take all there
 * is with twinring_try_recv(), then call this again before waiting again. Threads: one at a time.
 */
twinring_status twinring_receiver_arm(struct twinring_receiver *receiver,
                                      bool *ready);

/**
 * The descriptor to poll for reading after twinring_receiver_arm(), and for nothing else. It is the receiver's, and is closed with
 * it. Threads: one at a time.
 */
twinring_status twinring_receiver_fd(struct twinring_receiver *receiver,
                                     int32_t *fd);

/**
 * What the receiver has counted; `size` is that of twinring_receiver_counters. Threads: one at a time.
 */
twinring_status twinring_receiver_count(struct twinring_receiver *receiver,
                                        struct twinring_receiver_counters *counters,
                                        size_t size);

/**
 * Receives no more; null is nothing. The peer's sends fail with TWINRING_CLOSED. A borrowed message is released. Threads: one,
 * as the last use.
 */
void twinring_receiver_close(struct twinring_receiver *receiver);

/**
 * The defaults. Free it with twinring_session_options_free(); a session does not need it any more. Null if there is no memory for
 * it. Threads: any; then one at a time, or many that only pass it.
 */
struct twinring_session_options *twinring_session_options_new(void);

/**
 * Frees options; null is nothing. Threads: one, as the last use.
 */
void twinring_session_options_free(struct twinring_session_options *options);

/**
 * How many threads run handlers. None if not chosen: then the thread that receives a request runs its handler. Handlers that call
 * back, on a session that several threads of both sides use, want workers. Threads: one at a time.
 */
twinring_status twinring_session_options_workers(struct twinring_session_options *options,
                                                 size_t threads);

/**
 * Whether the session starts a thread that receives while nobody waits; it does if not chosen. Without one somebody must call,
 * wait, serve or dispatch. Threads: one at a time.
 */
twinring_status twinring_session_options_listener(struct twinring_session_options *options,
                                                  bool wanted);

/**
 * How many requests of the peer may be in flight, or wait here: between 1 and 4096; 64 if not chosen. Threads: one at a time.
 */
twinring_status twinring_session_options_calls_in_flight(struct twinring_session_options *options,
                                                         uint32_t calls);

/**
 * The largest request, reply or event in bytes that is accepted here: at most 4 GiB - 1; 64 MiB if not chosen. Threads: one at a
 * time.
 */
twinring_status twinring_session_options_largest_message(struct twinring_session_options *options,
                                                         size_t bytes);

/**
 * How many messages larger than a frame may be under way to this side: between 1 and 64; 8 if not chosen. Threads: one at a time.
 */
twinring_status twinring_session_options_open_messages(struct twinring_session_options *options,
                                                       uint32_t messages);

/**
 * How deep calls may be nested; 16 if not chosen. Threads: one at a time.
 */
twinring_status twinring_session_options_nesting(struct twinring_session_options *options, size_t depth);

/**
 * How long a call takes at most that does not say so itself, in nanoseconds, not negative; for ever if not chosen. Threads: one
 * at a time.
 */
twinring_status twinring_session_options_call_timeout(struct twinring_session_options *options,
                                                      int64_t nanoseconds);

/**
 * How long a reply may wait for room before the session ends, in nanoseconds, not negative; 10 s if not chosen. Threads: one at a
 * time.
 */
twinring_status twinring_session_options_reply_timeout(struct twinring_session_options *options,
                                                       int64_t nanoseconds);

/**
 * Whether a call waits for its turn when as many are in flight as the peer accepts (if not chosen), or fails with TWINRING_BUSY.
 * Threads: one at a time.
 */
twinring_status twinring_session_options_wait_for_turn(struct twinring_session_options *options,
                                                       bool wait);

/**
 * A session on `connection`, which it takes over: that is gone afterwards in any case. The other side must make its own a
 * session, too. `options` may be null. `on_call` answers the other side's calls, `on_event` takes its events; both may be null, and are
 * handed `user_data` as it is. They run on threads of the library, or on those that call and serve, possibly on several at once, and
 * not any more once twinring_session_close() of the last handle has returned (but for the handler that called it). Close `*session`.
 * Threads: one, as the connection's last use.
 */
twinring_status twinring_session_new(struct twinring_connection *connection,
                                     const struct twinring_session_options *options,
                                     twinring_on_call on_call,
                                     twinring_on_event on_event,
                                     void *user_data,
                                     struct twinring_session **session);

/**
 * Another handle to the same session, to be closed on its own. Threads: any number at a time.
 */
twinring_status twinring_session_clone(const struct twinring_session *session, struct twinring_session **clone);

/**
 * Calls the other side with `length` bytes and waits for the reply, which replaces what is in `reply`: for at most `timeout_ns`
 * nanoseconds; if negative, as long as the options say (for ever if they do not). `data` stays the caller's. Blocks; handlers may
 * run on this thread meanwhile. twinring_error_outcome() says what is known of a call that failed. Threads: any number at a time,
 * each with a reply of its own.
 */
twinring_status twinring_call(const struct twinring_session *session,
                              uint32_t selector,
                              const void *data,
                              size_t length,
                              int64_t timeout_ns,
                              struct twinring_reply *reply);

/**
 * Sends a request and does not wait for the reply: use up `*pending` by twinring_pending_wait() or twinring_pending_cancel(). `data`
 * stays the caller's. Threads: any number at a time.
 */
twinring_status twinring_begin(const struct twinring_session *session,
                               uint32_t selector,
                               const void *data,
                               size_t length,
                               struct twinring_pending **pending);

/**
 * The same, but waits for its turn and for room for at most `timeout_ns` nanoseconds; if negative, as twinring_begin(). How long
 * the reply takes is another matter. Threads: any number at a time.
 */
twinring_status twinring_begin_timeout(const struct twinring_session *session,
                                       uint32_t selector,
                                       const void *data,
                                       size_t length,
                                       int64_t timeout_ns,
                                       struct twinring_pending **pending);

/**
 * Waits for the reply for at most `timeout_ns` nanoseconds, for ever if negative, and leaves it and the call as they are: whether
 * twinring_pending_wait() will not block any more, because it has come or the session has ended. Handlers may run on this thread
 * meanwhile. Threads: one at a time.
 */
bool twinring_pending_wait_answered(const struct twinring_pending *pending,
                                    int64_t timeout_ns);

/**
 * Whether the reply has come, so that waiting will not block. Threads: one at a time.
 */
bool twinring_pending_answered(const struct twinring_pending *pending);

/**
 * Waits for the reply, as twinring_call() does; when the time is over, the call is cancelled. Takes `pending` over, which is gone
 * afterwards in any case. Threads: one, as the last use.
 */
twinring_status twinring_pending_wait(struct twinring_pending *pending,
                                      int64_t timeout_ns,
                                      struct twinring_reply *reply);

/**
 * Gives a call up: its reply will be dropped when it comes. Null is nothing. Threads: one, as the last use.
 */
void twinring_pending_cancel(struct twinring_pending *pending);

/**
 * Sends an event, waiting for room for at most `timeout_ns` nanoseconds, for ever if negative. `data` stays the caller's. Threads:
 * any number at a time.
 */
twinring_status twinring_notify(const struct twinring_session *session,
                                uint32_t selector,
                                const void *data,
                                size_t length,
                                int64_t timeout_ns);

/**
 * Returns TWINRING_OK when the other side has left in order, else the end that it met. Until then this thread handles what comes, if
 * there is no listener, or only waits. Threads: any number at a time.
 */
twinring_status twinring_serve(const struct twinring_session *session);

/**
 * The same for at most `timeout_ns` nanoseconds, for ever if negative: TWINRING_TIMEOUT if the time is over and the session goes on.
 * Threads: any number at a time.
 */
twinring_status twinring_serve_timeout(const struct twinring_session *session,
                                       int64_t timeout_ns);

/**
 * Handles what has come, without waiting: at most a thousand messages; `*handled` says how many, and may be null. Threads: any
 * number at a time.
 */
twinring_status twinring_dispatch(const struct twinring_session *session,
                                  size_t *handled);

/**
 * The descriptor for a poll loop that drives a session without a listener: wait until it is readable, then twinring_dispatch(). It
 * is the session's, and is closed with it. TWINRING_SPINS if there is none, because the session has a listener or the connection
 * promised to spin. Threads: any number at a time.
 */
twinring_status twinring_session_fd(const struct twinring_session *session,
                                    int32_t *fd);

/**
 * Who is at the other end, by the kernel's word. Threads: any number at a time.
 */
twinring_status twinring_session_peer(const struct twinring_session *session, struct twinring_peer *peer);

/**
 * What this side has counted; `size` is that of twinring_session_counters. Threads: any number at a time; one that is just sending is
 * waited for.
 */
twinring_status twinring_session_count(const struct twinring_session *session,
                                       struct twinring_session_counters *counters,
                                       size_t size);

/**
 * Closes a handle; null is nothing. The last one of a session leaves in order, and returns when its threads have ended. Pending
 * calls keep a session open as handles do. Threads: one, as the last use of this handle.
 */
void twinring_session_close(struct twinring_session *session);

/**
 * Room for replies. Free it with twinring_reply_free(). Null if there is no memory for it. Threads: any; then one at a time.
 */
struct twinring_reply *twinring_reply_new(void);

/**
 * The bytes of the last reply, which are the handle's until it is used for another or freed; null if `reply` is. Threads: one at a
 * time.
 */
const void *twinring_reply_data(const struct twinring_reply *reply);

/**
 * The length of the last reply in bytes; 0 if it failed. Threads: one at a time.
 */
size_t twinring_reply_length(const struct twinring_reply *reply);

/**
 * Frees it; null is nothing. Threads: one, as the last use.
 */
void twinring_reply_free(struct twinring_reply *reply);

/**
 * What is called, or what the event is about; 0 if `request` is null. Threads: the handler's.
 */
uint32_t twinring_request_selector(const struct twinring_request *request);

/**
 * The bytes of the request: a copy, which the peer cannot change, valid until the handler returns. Threads: the handler's.
 */
const void *twinring_request_data(const struct twinring_request *request);

/**
 * The length of the request in bytes. Threads: the handler's.
 */
size_t twinring_request_length(const struct twinring_request *request);

/**
 * Adds bytes to the reply, which is sent when the handler returns TWINRING_OK. `data` stays the caller's. Threads: the handler's.
 */
twinring_status twinring_request_reply(struct twinring_request *request,
                                       const void *data,
                                       size_t length);

/**
 * Sends the whole reply at once, from where it lies: for large ones. What the handler returns is ignored then. `data` stays the
 * caller's. Threads: the handler's.
 */
twinring_status twinring_request_reply_from(struct twinring_request *request,
                                            const void *data,
                                            size_t length);

/**
 * Says why the handler will return another code than TWINRING_OK. The text is copied. Threads: the handler's.
 */
twinring_status twinring_request_explain(struct twinring_request *request, const char *reason);

/**
 * Keeps the request to be answered later, perhaps by another thread: what the handler returns is ignored then. Use up
 * `*responder` by twinring_responder_reply(), _fail() or _drop(). TWINRING_BAD_STATE if it was answered already, is an event, or if
 * as many requests wait as this side accepts. Threads: the handler's.
 */
twinring_status twinring_request_defer(struct twinring_request *request,
                                       struct twinring_responder **responder);

/**
 * Calls the other side from within a handler; arguments as of twinring_call(). Threads: the handler's.
 */
twinring_status twinring_request_call(struct twinring_request *request,
                                      uint32_t selector,
                                      const void *data,
                                      size_t length,
                                      int64_t timeout_ns,
                                      struct twinring_reply *reply);

/**
 * Sends the other side an event from within a handler, waiting for room as long as it takes. Threads: the handler's.
 */
twinring_status twinring_request_notify(struct twinring_request *request,
                                        uint32_t selector,
                                        const void *data,
                                        size_t length);

/**
 * Whether it is an event, which is not answered; false for a call and for null. Threads: the handler's.
 */
bool twinring_request_is_event(const struct twinring_request *request);

/**
 * Sends the reply, and takes `responder` over, which is gone afterwards in any case. `data` stays the caller's. If the session has
 * ended, there is nobody to be told. Threads: any, as the last use.
 */
twinring_status twinring_responder_reply(struct twinring_responder *responder,
                                         const void *data,
                                         size_t length);

/**
 * Tells the caller that the handler failed, for `reason`, which is copied and may be null. Takes `responder` over. Threads: any, as
 * the last use.
 */
twinring_status twinring_responder_fail(struct twinring_responder *responder,
                                        const char *reason);

/**
 * Does not answer: the caller gets TWINRING_NOT_ANSWERED. Null is nothing. Threads: any, as the last use.
 */
void twinring_responder_drop(struct twinring_responder *responder);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* TWINRING_H */
