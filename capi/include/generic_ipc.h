/*
 * Generic IPC on twinring: the interface of Generic IPC, unchanged. Link with -ltwinring_c.
 *
 * One client and one server, of one user, whose executables lie in one directory, find each other by that directory,
 * whichever starts first. Both can send requests to the other and answer what the other asks. If one of them ends or dies,
 * requests to it fail, and the next one that comes takes its place.
 *
 * twinring.h says more of a failure: twinring_error_text().
 */
#ifndef GENERIC_IPC_H
#define GENERIC_IPC_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a process is. */
enum {
    IPC_OWNER_CLIENT = 0,
    IPC_OWNER_SERVER
};

/* Types of packets. The library passes req_type on and gives no meaning to it. */
enum {
    IPC_PAK_MIN = 100,
    IPC_PAK_INIT,
    IPC_PAK_ACK,
    IPC_PAK_REQ_DATA,
    IPC_PAK_RESP,
    IPC_PAK_MAX
};

/* A request. */
typedef struct {
    int req_type;
    void *req_data;
    uint32_t req_data_size;
} ipc_req_t;

/* A response. */
typedef struct {
    void *resp_data;
    uint32_t resp_data_size;
} ipc_resp_t;

/*
 * Begins to look for the other side, and returns at once: 0, or -1 if the owner is none, the handler is NULL, this process is
 * initialised already, or another server lives in the directory.
 *
 * The handler answers what the other side asks: on threads of the library, two requests at a time; it may itself send
 * requests. Its request's data is the library's: it may be written to, not freed, and is gone when the handler returns. It sets
 * resp_data to memory from malloc(), which the library frees, or leaves it NULL for an empty response. It must return: no
 * longjmp(), no exception.
 *
 * Threads: any. In a child made by fork() a process is not initialised.
 */
int generic_ipc_init(int owner_id, void (*handler)(ipc_req_t *, ipc_resp_t *));

/*
 * Sends a request and waits for the response: 0, or -1 if this process is not initialised, an argument or req_data is NULL, the
 * other side cannot be reached within about 250 ms, or it goes before it has answered. A handler that is slow is waited for as long
 * as its process lives.
 *
 * The request and its data stay the caller's. resp_data is the caller's to free(); NULL if the response is empty, or on
 * failure.
 *
 * Threads: any number at a time, handlers included.
 */
int generic_ipc_request(ipc_req_t *req, ipc_resp_t *resp);

/*
 * Ends what generic_ipc_init() began with this owner, and nothing else. Requests that wait fail. Returns when no handler runs any
 * more, unless a handler calls it. Then the process may initialise again.
 *
 * Threads: any.
 */
void generic_ipc_clean(int owner_id);

#ifdef __cplusplus
}
#endif

#endif
