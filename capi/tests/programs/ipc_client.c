/* A client as users of Generic IPC have written it: nothing here knows of twinring. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "generic_ipc.h"

#define THREADS 3
#define REQUESTS 20

static void client_handler(ipc_req_t *req, ipc_resp_t *resp)
{
    char *text = malloc(64);
    snprintf(text, 64, "client heard type %d, %s", req->req_type, (char *)req->req_data);
    resp->resp_data = text;
    resp->resp_data_size = (uint32_t)strlen(text) + 1;
}

static void *send_thread(void *arg)
{
    int answered = 0;
    for (int i = 0; i < REQUESTS;) {
        char data[64];
        snprintf(data, sizeof data, "client thread %ld, request %d", (long)arg, i);
        ipc_req_t req = {IPC_PAK_REQ_DATA, data, (uint32_t)strlen(data) + 1};
        ipc_resp_t resp;
        if (generic_ipc_request(&req, &resp) == -1) {
            sleep(1);
            continue;
        }
        answered += strncmp(resp.resp_data, "server heard type 103, client thread", 36) == 0;
        free(resp.resp_data);
        i++;
    }
    return (void *)(intptr_t)answered;
}

int main(void)
{
    pthread_t threads[THREADS];
    long answered = 0;
    if (generic_ipc_init(IPC_OWNER_CLIENT, client_handler) != 0) {
        printf("client init failed\n");
        return 1;
    }
    for (long i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, send_thread, (void *)i);
    for (long i = 0; i < THREADS; i++) {
        void *result;
        pthread_join(threads[i], &result);
        answered += (long)(intptr_t)result;
    }
    printf("client: %ld answered\n", answered);
    fflush(stdout);
    getchar();
    generic_ipc_clean(IPC_OWNER_CLIENT);
    return 0;
}
