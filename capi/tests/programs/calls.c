/* Every function of sessions, between two sides in one process. */
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "check.h"
#include "twinring.h"

enum { ECHO = 1, FAIL, REFUSE, OVERLOAD, LATER, NEVER, NEST, LARGE, EVENT_ANSWER, CODE, SILENT_FAIL, EVENTS };

static int mine, yours;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int events;
static twinring_responder *kept;

static int32_t answer(twinring_request *request, void *user_data)
{
    CHECK(user_data == &yours || user_data == &mine);
    CHECK(!twinring_request_is_event(request));
    const void *data = twinring_request_data(request);
    size_t length = twinring_request_length(request);
    switch (twinring_request_selector(request)) {
    case ECHO:
        OK(twinring_request_reply(request, data, length));
        return twinring_request_reply(request, "!", 1);
    case FAIL:
        OK(twinring_request_reply(request, "not sent", 8));
        OK(twinring_request_explain(request, "the disk is full"));
        return TWINRING_FAILED;
    case SILENT_FAIL:
        return TWINRING_TIMEOUT;
    case CODE:
        return -77;
    case REFUSE:
        OK(twinring_request_explain(request, "not for you"));
        return TWINRING_REFUSED;
    case OVERLOAD:
        return TWINRING_OVERLOADED;
    case LATER: {
        twinring_responder *responder;
        OK(twinring_request_defer(request, &responder));
        EXPECT(TWINRING_BAD_STATE, twinring_request_defer(request, &(twinring_responder *){NULL}));
        pthread_mutex_lock(&lock);
        kept = responder;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&lock);
        return TWINRING_OK;
    }
    case NEVER: {
        twinring_responder *responder;
        OK(twinring_request_defer(request, &responder));
        twinring_responder_drop(responder);
        return TWINRING_OK;
    }
    case NEST: {
        twinring_reply *reply = twinring_reply_new();
        OK(twinring_request_call(request, ECHO, data, length, -1, reply));
        OK(twinring_request_notify(request, EVENTS, "nested", 6));
        int code = twinring_request_reply(request, twinring_reply_data(reply), twinring_reply_length(reply));
        twinring_reply_free(reply);
        return code;
    }
    case LARGE: {
        size_t size = 3 << 20;
        char *large = malloc(size);
        CHECK(large);
        memset(large, 'x', size);
        OK(twinring_request_reply_from(request, large, size));
        free(large);
        return TWINRING_FAILED;
    }
    default:
        return TWINRING_NO_SELECTOR;
    }
}

static void take(twinring_request *request, void *user_data)
{
    CHECK(user_data == &yours || user_data == &mine);
    CHECK(twinring_request_is_event(request) && twinring_request_selector(request) == EVENTS);
    EXPECT(TWINRING_BAD_STATE, twinring_request_reply(request, "no", 2));
    pthread_mutex_lock(&lock);
    events++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void await_events(int wanted)
{
    pthread_mutex_lock(&lock);
    while (events < wanted)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static twinring_session *client, *server;

static void open_both(void)
{
    twinring_session_options *options = twinring_session_options_new();
    twinring_connection *here, *there;
    OK(twinring_session_options_workers(options, 2));
    OK(twinring_session_options_calls_in_flight(options, 16));
    OK(twinring_session_options_largest_message(options, 8 << 20));
    OK(twinring_session_options_open_messages(options, 4));
    OK(twinring_session_options_nesting(options, 8));
    OK(twinring_session_options_call_timeout(options, 10000000000));
    OK(twinring_session_options_reply_timeout(options, 10000000000));
    OK(twinring_session_options_wait_for_turn(options, true));
    OK(twinring_session_options_listener(options, true));
    EXPECT(TWINRING_BAD_ARGUMENT, twinring_session_options_call_timeout(options, -1));
    OK(twinring_pair(NULL, &here, &there));
    OK(twinring_session_new(there, options, answer, take, &yours, &server));
    OK(twinring_session_new(here, options, answer, take, &mine, &client));
    twinring_session_options_free(options);
}

static void expect_reply(twinring_reply *reply, const char *text)
{
    CHECK(twinring_reply_length(reply) == strlen(text));
    CHECK(memcmp(twinring_reply_data(reply), text, strlen(text)) == 0);
}

static void calls(twinring_reply *reply)
{
    OK(twinring_call(client, ECHO, "hello", 5, -1, reply));
    expect_reply(reply, "hello!");
    OK(twinring_call(client, ECHO, NULL, 0, 5000000000, reply));
    expect_reply(reply, "!");
    OK(twinring_call(client, NEST, "nest", 4, -1, reply));
    expect_reply(reply, "nest!");
    await_events(1);
    OK(twinring_call(client, LARGE, NULL, 0, -1, reply));
    CHECK(twinring_reply_length(reply) == 3 << 20 && ((const char *)twinring_reply_data(reply))[1 << 20] == 'x');
}

static void failures(twinring_reply *reply)
{
    EXPECT(TWINRING_FAILED, twinring_call(client, FAIL, NULL, 0, -1, reply));
    CHECK(strstr(twinring_error_text(), "the disk is full") && twinring_error_outcome() == TWINRING_OUTCOME_RAN);
    CHECK(twinring_reply_length(reply) == 0);
    EXPECT(TWINRING_FAILED, twinring_call(client, SILENT_FAIL, NULL, 0, -1, reply));
    CHECK(strstr(twinring_error_text(), "the time is over"));
    EXPECT(TWINRING_FAILED, twinring_call(client, CODE, NULL, 0, -1, reply));
    CHECK(strstr(twinring_error_text(), "-77"));
    EXPECT(TWINRING_REFUSED, twinring_call(client, REFUSE, NULL, 0, -1, reply));
    CHECK(strstr(twinring_error_text(), "not for you") && twinring_error_outcome() == TWINRING_OUTCOME_NOT_RUN);
    EXPECT(TWINRING_OVERLOADED, twinring_call(client, OVERLOAD, NULL, 0, -1, reply));
    EXPECT(TWINRING_NO_SELECTOR, twinring_call(client, 1000, NULL, 0, -1, reply));
    EXPECT(TWINRING_NOT_ANSWERED, twinring_call(client, NEVER, NULL, 0, -1, reply));
    CHECK(twinring_error_outcome() == TWINRING_OUTCOME_MAY_HAVE_RUN);
    static char large[9 << 20];
    EXPECT(TWINRING_TOO_LARGE, twinring_call(client, ECHO, large, sizeof large, -1, reply));
    EXPECT(TWINRING_BAD_ARGUMENT, twinring_call(client, ECHO, NULL, 3, -1, reply));
    EXPECT(TWINRING_BAD_ARGUMENT, twinring_call(client, ECHO, "x", 1, -1, NULL));
    EXPECT(TWINRING_BAD_ARGUMENT, twinring_call(NULL, ECHO, "x", 1, -1, reply));
}

static twinring_responder *await_kept(void)
{
    pthread_mutex_lock(&lock);
    while (!kept)
        pthread_cond_wait(&changed, &lock);
    twinring_responder *taken = kept;
    kept = NULL;
    pthread_mutex_unlock(&lock);
    return taken;
}

static void later(twinring_reply *reply)
{
    twinring_pending *pending;
    OK(twinring_begin(client, LATER, "x", 1, &pending));
    twinring_responder *responder = await_kept();
    CHECK(!twinring_pending_answered(pending));
    OK(twinring_responder_reply(responder, "at last", 7));
    struct pollfd nap = {.fd = -1};
    for (int naps = 0; !twinring_pending_answered(pending); naps++) {
        CHECK(naps < 20000);
        poll(&nap, 1, 1);
    }
    OK(twinring_pending_wait(pending, -1, reply));
    expect_reply(reply, "at last");
    OK(twinring_begin(client, LATER, "x", 1, &pending));
    OK(twinring_responder_fail(await_kept(), "it broke"));
    EXPECT(TWINRING_FAILED, twinring_pending_wait(pending, 5000000000, reply));
    CHECK(strstr(twinring_error_text(), "it broke"));
    EXPECT(TWINRING_TIMEOUT, twinring_call(client, LATER, "x", 1, 20000000, reply));
    CHECK(twinring_error_outcome() == TWINRING_OUTCOME_MAY_HAVE_RUN);
    OK(twinring_responder_reply(await_kept(), "late", 4));
    OK(twinring_begin(client, ECHO, "x", 1, &pending));
    twinring_pending_cancel(pending);
    OK(twinring_begin_timeout(client, LATER, "x", 1, 5000000000, &pending));
    CHECK(!twinring_pending_wait_answered(pending, 1000000) && !twinring_pending_wait_answered(NULL, -1));
    OK(twinring_responder_reply(await_kept(), "waited for", 10));
    CHECK(twinring_pending_wait_answered(pending, -1));
    CHECK(twinring_pending_wait_answered(pending, 0));
    OK(twinring_pending_wait(pending, 0, reply));
    expect_reply(reply, "waited for");
    OK(twinring_begin_timeout(client, ECHO, "x", 1, -1, &pending));
    twinring_pending_cancel(pending);
}

static void *many(void *unused)
{
    twinring_reply *reply = twinring_reply_new();
    for (int i = 0; i < 200; i++) {
        OK(twinring_call(client, i % 10 == 0 ? NEST : ECHO, &i, sizeof i, -1, reply));
        CHECK(twinring_reply_length(reply) == sizeof i + 1 && memcmp(twinring_reply_data(reply), &i, sizeof i) == 0);
    }
    twinring_reply_free(reply);
    return unused;
}

static void threads(void)
{
    pthread_t made[4];
    for (int i = 0; i < 4; i++)
        CHECK(pthread_create(&made[i], NULL, many, NULL) == 0);
    for (int i = 0; i < 4; i++)
        CHECK(pthread_join(made[i], NULL) == 0);
}

/* A session in a poll loop, without a thread of its own. */
static void polled(twinring_reply *reply)
{
    twinring_session_options *options = twinring_session_options_new();
    twinring_connection *here, *there;
    twinring_session *looping, *asking;
    twinring_pending *pending;
    size_t handled;
    int fd;
    OK(twinring_session_options_listener(options, false));
    OK(twinring_pair(NULL, &here, &there));
    OK(twinring_session_new(there, options, answer, NULL, &yours, &looping));
    OK(twinring_session_new(here, NULL, NULL, NULL, NULL, &asking));
    EXPECT(TWINRING_SPINS, twinring_session_fd(asking, &fd));
    OK(twinring_session_fd(looping, &fd));
    OK(twinring_begin(asking, ECHO, "loop", 4, &pending));
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    for (handled = 0; handled == 0;) {
        CHECK(poll(&polled, 1, 5000) == 1);
        OK(twinring_dispatch(looping, &handled));
    }
    OK(twinring_pending_wait(pending, -1, reply));
    expect_reply(reply, "loop!");
    twinring_session_options_free(options);
    EXPECT(TWINRING_TIMEOUT, twinring_serve_timeout(looping, 1000000));
    EXPECT(TWINRING_TIMEOUT, twinring_serve_timeout(asking, 1000000));
    twinring_session_close(asking);
    OK(twinring_serve_timeout(looping, 5000000000));
    OK(twinring_serve_timeout(looping, -1));
    OK(twinring_serve(looping));
    EXPECT(TWINRING_CLOSED, twinring_call(looping, ECHO, "x", 1, -1, reply));
    twinring_session_close(looping);
}

int main(void)
{
    twinring_reply *reply = twinring_reply_new();
    twinring_session *clone;
    twinring_session_counters counters;
    twinring_peer peer;
    open_both();
    OK(twinring_session_peer(client, &peer));
    CHECK(peer.pid > 0);
    calls(reply);
    failures(reply);
    later(reply);
    OK(twinring_notify(client, EVENTS, "ev", 2, -1));
    OK(twinring_notify(server, EVENTS, "ev", 2, 5000000000));
    await_events(3);
    threads();
    OK(twinring_session_count(client, &counters, sizeof counters));
    CHECK(counters.calls > 800 && counters.events >= 1 && counters.served >= 81);
    EXPECT(TWINRING_BAD_ARGUMENT, twinring_session_count(client, &counters, 8));
    OK(twinring_session_clone(client, &clone));
    twinring_session_close(client);
    OK(twinring_call(clone, ECHO, "still", 5, -1, reply));
    expect_reply(reply, "still!");
    twinring_session_close(clone);
    OK(twinring_serve(server));
    twinring_session_close(server);
    polled(reply);
    twinring_reply_free(reply);
    puts("all of it");
    return 0;
}
