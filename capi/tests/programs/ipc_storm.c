/* Requests from many threads: `ipc_storm client|server THREADS REQUESTS`. Every tenth asks the other side to ask back. */
#include <pthread.h>
#include <stdint.h>
#include <unistd.h>

#include "check.h"
#include "generic_ipc.h"

enum { PLAIN = 1, NESTED, EMPTY };

static long requests;

static uint32_t turned(uint32_t number)
{
    return number * 2654435761u;
}

static uint32_t ask(int type, uint32_t number)
{
    ipc_req_t req = {type, &number, sizeof number};
    ipc_resp_t resp = {&req, 77};
    uint32_t reply = 0;
    CHECK(generic_ipc_request(&req, &resp) == 0);
    CHECK(resp.resp_data_size == (type == EMPTY ? 0 : sizeof reply));
    if (resp.resp_data)
        memcpy(&reply, resp.resp_data, sizeof reply);
    free(resp.resp_data);
    return reply;
}

static void handler(ipc_req_t *req, ipc_resp_t *resp)
{
    uint32_t number;
    CHECK(req->req_data_size == sizeof number && resp->resp_data == NULL && resp->resp_data_size == 0);
    memcpy(&number, req->req_data, sizeof number);
    memset(req->req_data, 0xaa, sizeof number);
    if (req->req_type == EMPTY)
        return;
    number = req->req_type == NESTED ? ask(PLAIN, number) : turned(number);
    resp->resp_data = malloc(sizeof number);
    CHECK(resp->resp_data);
    memcpy(resp->resp_data, &number, sizeof number);
    resp->resp_data_size = sizeof number;
}

static void *storm(void *arg)
{
    uint32_t seed = (uint32_t)(intptr_t)arg << 24;
    for (uint32_t i = 0; i < (uint32_t)requests; i++) {
        int type = i % 10 == 9 ? NESTED : i % 10 == 4 ? EMPTY : PLAIN;
        CHECK(ask(type, seed + i) == (type == EMPTY ? 0 : turned(seed + i)));
    }
    return NULL;
}

static int reached(void)
{
    int number = 0;
    ipc_req_t req = {EMPTY, &number, sizeof number};
    ipc_resp_t resp;
    return generic_ipc_request(&req, &resp) == 0;
}

int main(int argc, char **argv)
{
    CHECK(argc == 4);
    int owner = strcmp(argv[1], "server") == 0 ? IPC_OWNER_SERVER : IPC_OWNER_CLIENT;
    int threads = atoi(argv[2]);
    requests = atol(argv[3]);
    pthread_t made[64];
    CHECK(threads <= 64 && generic_ipc_init(owner, handler) == 0);
    int tries = 0;
    while (!reached())
        CHECK(++tries < 80);
    for (intptr_t i = 0; i < threads; i++)
        CHECK(pthread_create(&made[i], NULL, storm, (void *)i) == 0);
    for (int i = 0; i < threads; i++)
        CHECK(pthread_join(made[i], NULL) == 0);
    printf("%ld answered\n", threads * requests);
    fflush(stdout);
    /* The other side may not be done: it is told from outside when both are. */
    getchar();
    generic_ipc_clean(owner);
    return 0;
}
