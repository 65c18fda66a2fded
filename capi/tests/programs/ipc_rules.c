/* What fails, and how soon: with nobody there, before and after. */
#include <stdint.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "generic_ipc.h"

static void handler(ipc_req_t *req, ipc_resp_t *resp)
{
    (void)req;
    (void)resp;
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static int ask(void *data, uint32_t size)
{
    ipc_req_t req = {IPC_PAK_REQ_DATA, data, size};
    ipc_resp_t resp = {&req, 9};
    int result = generic_ipc_request(&req, &resp);
    CHECK(result == 0 || (resp.resp_data == NULL && resp.resp_data_size == 0));
    return result;
}

/* That a request fails after about 250 ms; later only because the machine is busy. */
static void fails_in_time(void)
{
    double began = now();
    CHECK(ask("x", 1) == -1);
    double took = now() - began;
    CHECK(took > 0.24 && took < 5);
}

static void fails_at_once(void *data)
{
    double began = now();
    CHECK(ask(data, 1) == -1);
    CHECK(now() - began < 0.2);
}

/* A child is not initialised, and what it does is nothing to its parent. */
static void forked(void)
{
    CHECK(generic_ipc_init(IPC_OWNER_CLIENT, handler) == 0);
    pid_t child = fork();
    if (child == 0) {
        fails_at_once("x");
        generic_ipc_clean(IPC_OWNER_CLIENT);
        CHECK(generic_ipc_init(IPC_OWNER_CLIENT, handler) == 0);
        generic_ipc_clean(IPC_OWNER_CLIENT);
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    generic_ipc_clean(IPC_OWNER_CLIENT);
}

int main(int argc, char **argv)
{
    int owners[] = {IPC_OWNER_CLIENT, IPC_OWNER_SERVER};
    CHECK(IPC_OWNER_CLIENT == 0 && IPC_OWNER_SERVER == 1 && IPC_PAK_MIN == 100 && IPC_PAK_INIT == 101);
    CHECK(IPC_PAK_ACK == 102 && IPC_PAK_REQ_DATA == 103 && IPC_PAK_RESP == 104 && IPC_PAK_MAX == 105);
    fails_at_once("x");
    generic_ipc_clean(IPC_OWNER_CLIENT);
    CHECK(generic_ipc_init(7, handler) == -1);
    CHECK(generic_ipc_init(IPC_OWNER_CLIENT, NULL) == -1);
    for (int i = 0; i < 4; i++) {
        int owner = owners[i % 2];
        CHECK(generic_ipc_init(owner, handler) == 0);
        CHECK(generic_ipc_init(owner, handler) == -1);
        CHECK(generic_ipc_init(owners[1 - i % 2], handler) == -1);
        fails_at_once(NULL);
        fails_in_time();
        CHECK(generic_ipc_request(NULL, NULL) == -1);
        generic_ipc_clean(owners[1 - i % 2]);
        fails_in_time();
        generic_ipc_clean(owner);
        fails_at_once("x");
    }
    if (argc > 1 && strcmp(argv[1], "fork") == 0)
        forked();
    puts("all of it");
    return 0;
}
