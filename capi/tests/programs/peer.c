/* One of two processes: `peer listen|connect PATH` echoes messages, or sends them; `peer serve|ask PATH` does so with calls. */
#include "check.h"
#include "twinring.h"

static const char *authorise(const twinring_peer *peer, void *user_data)
{
    *(long long *)user_data = (long long)peer->pid;
    return getenv("REFUSE") ? "not today" : NULL;
}

static long long authorised;

static int32_t answer(twinring_request *request, void *user_data)
{
    (void)user_data;
    char sum = 0;
    for (size_t i = 0; i < twinring_request_length(request); i++)
        sum = (char)(sum + ((const char *)twinring_request_data(request))[i]);
    return twinring_request_reply(request, &sum, 1);
}

static twinring_connection *accept_one(const char *path, const twinring_options *options)
{
    twinring_listener *listener;
    twinring_connection *connection;
    twinring_listener_counters counters;
    int fd;
    OK(twinring_listen(path, options, &listener));
    OK(twinring_listener_fd(listener, &fd));
    EXPECT(TWINRING_TIMEOUT, twinring_accept(listener, 0, &connection));
    puts("listens");
    fflush(stdout);
    int code = twinring_accept(listener, getenv("REFUSE") ? 1000000000 : 20000000000, &connection);
    OK(twinring_listener_count(listener, &counters, sizeof counters));
    twinring_listener_close(listener);
    if (getenv("REFUSE")) {
        CHECK(code == TWINRING_TIMEOUT && counters.refused == 1 && counters.accepted == 0);
        exit(0);
    }
    OK(code);
    CHECK(counters.accepted == 1);
    return connection;
}

static void echo(twinring_sender *sender, twinring_receiver *receiver)
{
    const void *data;
    size_t length;
    int code;
    while ((code = twinring_borrow(receiver, -1, &data, &length)) == TWINRING_OK) {
        void *room;
        OK(twinring_reserve(sender, length, &room));
        memcpy(room, data, length);
        OK(twinring_release(receiver));
        OK(twinring_commit(sender, length));
    }
    CHECK(code == TWINRING_CLOSED);
}

static void send_all(twinring_sender *sender, twinring_receiver *receiver)
{
    static char message[4096], back[4096];
    size_t length;
    for (size_t size = 0; size < sizeof message; size++) {
        memset(message, (int)size, size);
        OK(twinring_send(sender, message, size));
        OK(twinring_recv(receiver, back, sizeof back, &length));
        CHECK(length == size && memcmp(message, back, size) == 0);
    }
}

static void ask(twinring_connection *connection)
{
    twinring_session *session;
    twinring_reply *reply = twinring_reply_new();
    static char large[1 << 20];
    OK(twinring_session_new(connection, NULL, answer, NULL, NULL, &session));
    OK(twinring_call(session, 7, "\1\2\3", 3, -1, reply));
    CHECK(twinring_reply_length(reply) == 1 && *(const char *)twinring_reply_data(reply) == 6);
    memset(large, 1, sizeof large);
    OK(twinring_call(session, 7, large, sizeof large - 251, -1, reply));
    CHECK(twinring_reply_length(reply) == 1 && *(const char *)twinring_reply_data(reply) == 5);
    twinring_reply_free(reply);
    twinring_session_close(session);
}

int main(int argc, char **argv)
{
    CHECK(argc == 3);
    const char *role = argv[1], *path = argv[2];
    twinring_options *options = twinring_options_new();
    twinring_connection *connection;
    OK(twinring_options_authorise(options, authorise, &authorised));
    if (strcmp(role, "listen") == 0 || strcmp(role, "serve") == 0) {
        connection = accept_one(path, options);
    } else {
        int code = twinring_connect(path, options, 20000000000, &connection);
        if (code != TWINRING_OK) {
            printf("%d %s\n", code, twinring_error_text());
            return 3;
        }
    }
    twinring_options_free(options);
    twinring_peer peer;
    OK(twinring_connection_peer(connection, &peer));
    CHECK(peer.pid == authorised && authorised > 0);
    if (strcmp(role, "ask") == 0) {
        ask(connection);
    } else if (strcmp(role, "serve") == 0) {
        twinring_session *session;
        OK(twinring_session_new(connection, NULL, answer, NULL, NULL, &session));
        OK(twinring_serve(session));
        twinring_session_close(session);
    } else {
        twinring_sender *sender;
        twinring_receiver *receiver;
        OK(twinring_connection_split(connection, &sender, &receiver));
        if (strcmp(role, "listen") == 0)
            echo(sender, receiver);
        else
            send_all(sender, receiver);
        twinring_sender_close(sender);
        twinring_receiver_close(receiver);
    }
    puts("all of it");
    return 0;
}
