/*
 * One of two processes that exchange messages, both spinning: `round_trip echo PATH CORE` answers, and `round_trip ask PATH CORE
 * BYTES TRIPS` asks and prints the median of a round trip in nanoseconds, over batches of a hundred. `cargo bench -p twinring-c` runs
 * it in turns with the like of it in Rust.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "twinring.h"

enum { BATCH = 100, LARGEST = 4096 };

static void ok(twinring_status status)
{
    if (status != TWINRING_OK) {
        fprintf(stderr, "%s\n", twinring_error_text());
        exit(1);
    }
}

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void pin(int core)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)core, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0)
        perror("could not pin");
}

static int ascending(const void *one, const void *other)
{
    uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;
    return (a > b) - (a < b);
}

static void ask(twinring_sender *sender, twinring_receiver *receiver, size_t bytes, size_t trips)
{
    char message[LARGEST] = {1}, back[LARGEST];
    size_t length, batches = trips / BATCH;
    uint64_t *times = malloc(batches * sizeof *times);
    if (!times || batches == 0 || bytes > LARGEST)
        exit(1);
    for (size_t batch = 0; batch < batches; batch++) {
        uint64_t began = now();
        for (int trip = 0; trip < BATCH; trip++) {
            ok(twinring_send(sender, message, bytes));
            ok(twinring_recv(receiver, back, sizeof back, &length));
        }
        times[batch] = now() - began;
    }
    qsort(times, batches, sizeof *times, ascending);
    printf("%.1f\n", (double)times[batches / 2] / BATCH);
    free(times);
}

static void echo(twinring_sender *sender, twinring_receiver *receiver)
{
    char message[LARGEST];
    size_t length;
    while (twinring_recv(receiver, message, sizeof message, &length) == TWINRING_OK)
        ok(twinring_send(sender, message, length));
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 1;
    twinring_options *options = twinring_options_new();
    twinring_connection *connection;
    twinring_sender *sender;
    twinring_receiver *receiver;
    ok(twinring_options_wait(options, TWINRING_WAIT_SPIN));
    pin(atoi(argv[3]));
    if (strcmp(argv[1], "echo") == 0) {
        twinring_listener *listener;
        ok(twinring_listen(argv[2], options, &listener));
        ok(twinring_accept(listener, 20000000000, &connection));
        twinring_listener_close(listener);
    } else {
        ok(twinring_connect(argv[2], options, 20000000000, &connection));
    }
    ok(twinring_connection_split(connection, &sender, &receiver));
    if (argc == 6)
        ask(sender, receiver, (size_t)atol(argv[4]), (size_t)atol(argv[5]));
    else
        echo(sender, receiver);
    twinring_sender_close(sender);
    twinring_receiver_close(receiver);
    twinring_options_free(options);
    return 0;
}
