/* A side that does as it is told by lines: `ipc_peer client|server`. It answers with what it was asked, and its process. */
#include <pthread.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "generic_ipc.h"

enum { WHO = -5, SLEEP, LARGE, CLEAN };

static int owner;

static void handler(ipc_req_t *req, ipc_resp_t *resp)
{
    switch (req->req_type) {
    case SLEEP:
        puts("sleeps");
        fflush(stdout);
        pause();
        return;
    case LARGE:
        resp->resp_data = malloc(req->req_data_size);
        CHECK(resp->resp_data);
        memcpy(resp->resp_data, req->req_data, req->req_data_size);
        resp->resp_data_size = req->req_data_size;
        return;
    case CLEAN:
        generic_ipc_clean(owner);
        puts("cleaned");
        fflush(stdout);
        return;
    default:
        resp->resp_data = malloc(16);
        CHECK(resp->resp_data);
        resp->resp_data_size = (uint32_t)snprintf(resp->resp_data, 16, "%d", (int)getpid());
    }
}

static void ask(int type, void *data, uint32_t size)
{
    ipc_req_t req = {type, data, size};
    ipc_resp_t resp;
    if (generic_ipc_request(&req, &resp) == -1) {
        puts("failed");
    } else if (type == LARGE) {
        printf("%s\n", resp.resp_data_size == size && memcmp(resp.resp_data, data, size) == 0 ? "same" : "other");
    } else {
        printf("answered %.*s\n", (int)resp.resp_data_size, resp.resp_data ? (char *)resp.resp_data : "");
    }
    if (resp.resp_data)
        free(resp.resp_data);
    fflush(stdout);
}

static void *ask_aside(void *unused)
{
    ask(SLEEP, "x", 1);
    return unused;
}

int main(int argc, char **argv)
{
    static char large[65 << 20];
    char line[16];
    CHECK(argc >= 2);
    owner = strcmp(argv[1], "server") == 0 ? IPC_OWNER_SERVER : IPC_OWNER_CLIENT;
    CHECK(generic_ipc_init(owner, handler) == 0);
    puts("ready");
    fflush(stdout);
    for (int i = 2; i < argc || fgets(line, sizeof line, stdin); i++) {
        const char *word = i < argc ? argv[i] : "end";
        while (i < argc && !fgets(line, sizeof line, stdin))
            return 1;
        if (strcmp(word, "who") == 0) {
            ask(WHO, "", 0);
        } else if (strcmp(word, "sleep") == 0) {
            ask(SLEEP, "x", 1);
        } else if (strcmp(word, "sleep-aside") == 0) {
            pthread_t aside;
            CHECK(pthread_create(&aside, NULL, ask_aside, NULL) == 0 && pthread_detach(aside) == 0);
        } else if (strcmp(word, "clean-other") == 0) {
            ask(CLEAN, "x", 1);
        } else if (strcmp(word, "clean") == 0) {
            generic_ipc_clean(owner);
            CHECK(generic_ipc_init(owner, handler) == 0);
            puts("again");
            fflush(stdout);
        } else if (strcmp(word, "large") == 0) {
            for (size_t at = 0; at < sizeof large; at++)
                large[at] = (char)(at * 31 >> 3);
            ask(LARGE, large, sizeof large);
        } else {
            break;
        }
    }
    generic_ipc_clean(owner);
    return 0;
}
