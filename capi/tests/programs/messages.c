/* Every function of connections, senders and receivers, between two ends in one process. */
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "check.h"
#include "twinring.h"

static twinring_sender *sender;
static twinring_receiver *receiver;
static twinring_sender *back;
static twinring_receiver *away;

static void connect_both(void)
{
    twinring_options *options = twinring_options_new();
    twinring_connection *here, *there;
    OK(twinring_options_ring_capacity(options, 4096));
    OK(twinring_pair(options, &here, &there));
    twinring_options_free(options);
    twinring_peer peer;
    OK(twinring_connection_peer(here, &peer));
    CHECK(peer.pid > 0 && peer.uid >= 0 && peer.gid >= 0);
    OK(twinring_connection_split(here, &sender, &away));
    OK(twinring_connection_split(there, &back, &receiver));
}

static void send_and_receive(void)
{
    char buffer[64];
    size_t length = 99;
    EXPECT(TWINRING_EMPTY, twinring_try_recv(receiver, buffer, sizeof buffer, &length));
    CHECK(strcmp(twinring_error_text(), "no message yet") == 0 && length == 0);
    EXPECT(TWINRING_TIMEOUT, twinring_recv_timeout(receiver, buffer, sizeof buffer, 1000000, &length));
    OK(twinring_send(sender, "one", 3));
    OK(twinring_try_send(sender, "two", 3));
    OK(twinring_send_timeout(sender, "three", 5, 1000000000));
    OK(twinring_send(sender, NULL, 0));
    struct iovec pieces[3] = {{"fo", 2}, {NULL, 0}, {"ur", 2}};
    OK(twinring_send_vectored(sender, pieces, 3));
    OK(twinring_recv(receiver, buffer, sizeof buffer, &length));
    CHECK(length == 3 && memcmp(buffer, "one", 3) == 0);
    OK(twinring_try_recv(receiver, buffer, sizeof buffer, &length));
    CHECK(length == 3 && memcmp(buffer, "two", 3) == 0);
    OK(twinring_recv_timeout(receiver, buffer, sizeof buffer, -1, &length));
    CHECK(length == 5 && memcmp(buffer, "three", 5) == 0);
    OK(twinring_recv(receiver, NULL, 0, &length));
    CHECK(length == 0);
    OK(twinring_recv_timeout(receiver, buffer, sizeof buffer, 0, &length));
    CHECK(length == 4 && memcmp(buffer, "four", 4) == 0);
}

/* A message that does not fit stays, whichever function met it. */
static void too_small(void)
{
    char buffer[8];
    size_t length;
    OK(twinring_send(sender, "eight by", 8));
    EXPECT(TWINRING_TOO_SMALL, twinring_recv(receiver, buffer, 7, &length));
    CHECK(length == 8 && strstr(twinring_error_text(), "8 bytes") && strstr(twinring_error_text(), "7"));
    EXPECT(TWINRING_TOO_SMALL, twinring_try_recv(receiver, buffer, 0, &length));
    CHECK(length == 8);
    EXPECT(TWINRING_TOO_SMALL, twinring_recv_timeout(receiver, buffer, 3, 1000, &length));
    CHECK(length == 8);
    OK(twinring_try_recv(receiver, buffer, 8, &length));
    CHECK(length == 8 && memcmp(buffer, "eight by", 8) == 0);
    EXPECT(TWINRING_EMPTY, twinring_try_recv(receiver, buffer, 8, &length));
}

static void in_place(void)
{
    void *room, *other;
    const void *data;
    size_t length;
    char buffer[32];
    EXPECT(TWINRING_BAD_STATE, twinring_commit(sender, 0));
    EXPECT(TWINRING_BAD_STATE, twinring_abandon(sender));
    OK(twinring_reserve_timeout(sender, 16, 1000000000, &room));
    memcpy(room, "in place, really", 16);
    EXPECT(TWINRING_BAD_STATE, twinring_send(sender, "no", 2));
    EXPECT(TWINRING_BAD_STATE, twinring_reserve(sender, 16, &other));
    CHECK(other == NULL);
    EXPECT(TWINRING_BAD_ARGUMENT, twinring_commit(sender, 17));
    CHECK(strstr(twinring_error_text(), "17 bytes") && strstr(twinring_error_text(), "16"));
    OK(twinring_commit(sender, 8));
    OK(twinring_try_reserve(sender, 8, &room));
    memcpy(room, "nothing!", 8);
    OK(twinring_abandon(sender));
    EXPECT(TWINRING_BAD_STATE, twinring_release(receiver));
    OK(twinring_borrow(receiver, -1, &data, &length));
    CHECK(length == 8 && (uintptr_t)data % 8 == 0 && memcmp(data, "in place", 8) == 0);
    EXPECT(TWINRING_BAD_STATE, twinring_try_recv(receiver, buffer, sizeof buffer, &length));
    EXPECT(TWINRING_BAD_STATE, twinring_borrow(receiver, 0, &data, &length));
    CHECK(data == NULL);
    OK(twinring_release(receiver));
    EXPECT(TWINRING_EMPTY, twinring_borrow(receiver, 0, &data, &length));
    EXPECT(TWINRING_TIMEOUT, twinring_borrow(receiver, 1000000, &data, &length));
}

static void full(void)
{
    static char large[8192];
    size_t largest, length, sent = 0;
    int code;
    OK(twinring_sender_largest(sender, &largest));
    CHECK(largest > 1000 && largest < 4096);
    EXPECT(TWINRING_TOO_LARGE, twinring_send(sender, large, largest + 1));
    EXPECT(TWINRING_TOO_LARGE, twinring_try_send(sender, large, sizeof large));
    while ((code = twinring_try_send(sender, large, 256)) == TWINRING_OK)
        sent++;
    CHECK(code == TWINRING_FULL && sent > 8);
    EXPECT(TWINRING_TIMEOUT, twinring_send_timeout(sender, large, 256, 1000000));
    void *room;
    EXPECT(TWINRING_FULL, twinring_try_reserve(sender, 256, &room));
    EXPECT(TWINRING_TIMEOUT, twinring_reserve_timeout(sender, 256, 1000000, &room));
    CHECK(room == NULL);
    for (size_t i = 0; i < sent; i++)
        OK(twinring_recv(receiver, large, sizeof large, &length));
}

static void polling(void)
{
    int fd;
    bool ready = true;
    char byte;
    size_t length;
    OK(twinring_receiver_fd(receiver, &fd));
    OK(twinring_receiver_arm(receiver, &ready));
    CHECK(!ready);
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    CHECK(poll(&polled, 1, 0) == 0);
    OK(twinring_send(sender, "!", 1));
    CHECK(poll(&polled, 1, 5000) == 1);
    OK(twinring_receiver_arm(receiver, &ready));
    CHECK(ready);
    OK(twinring_try_recv(receiver, &byte, 1, &length));
}

static void counting(void)
{
    twinring_sender_counters sent;
    twinring_receiver_counters received;
    OK(twinring_sender_count(sender, &sent, sizeof sent));
    OK(twinring_receiver_count(receiver, &received, sizeof received));
    CHECK(sent.messages == received.messages && sent.bytes == received.bytes && sent.messages > 10);
    CHECK(sent.times_full == 2);
    EXPECT(TWINRING_BAD_ARGUMENT, twinring_sender_count(sender, &sent, sizeof sent - 8));
    CHECK(strstr(twinring_error_text(), "40") && strstr(twinring_error_text(), "32"));
}

/* What can be told is an error. */
static void nonsense(void)
{
    twinring_connection *connection = (twinring_connection *)1;
    twinring_listener *listener;
    twinring_options *options = twinring_options_new();
    size_t length;
    char small[4];
    EXPECT(TWINRING_BAD_ARGUMENT, twinring_connect(NULL, NULL, 0, &connection));
    CHECK(connection == NULL && strcmp(twinring_error_text(), "endpoint is null") == 0);
    EXPECT(TWINRING_BAD_ARGUMENT, twinring_connect("name", NULL, 0, NULL));
    EXPECT(TWINRING_BAD_ARGUMENT, twinring_connect("\xff", NULL, 0, &connection));
    EXPECT(TWINRING_BAD_ARGUMENT, twinring_connect("a name", NULL, 0, &connection));
    EXPECT(TWINRING_ABSENT, twinring_connect("/nowhere/nobody", NULL, 0, &connection));
    EXPECT(TWINRING_BAD_ARGUMENT, twinring_listen(NULL, NULL, &listener));
    EXPECT(TWINRING_BAD_ARGUMENT, twinring_accept(NULL, 0, &connection));
    EXPECT(TWINRING_BAD_ARGUMENT, twinring_connect_over(-1, NULL, 0, &connection));
    EXPECT(TWINRING_BAD_ARGUMENT, twinring_accept_over(-2, NULL, 0, &connection));
    EXPECT(TWINRING_BAD_ARGUMENT, twinring_connect_over(1000000, NULL, 0, &connection));
    EXPECT(TWINRING_BAD_ARGUMENT, twinring_connection_split(NULL, NULL, NULL));
    EXPECT(TWINRING_BAD_ARGUMENT, twinring_send(NULL, "x", 1));
    EXPECT(TWINRING_BAD_ARGUMENT, twinring_send(sender, NULL, 1));
    EXPECT(TWINRING_BAD_ARGUMENT, twinring_send(sender, "x", SIZE_MAX));
    EXPECT(TWINRING_BAD_ARGUMENT, twinring_send_vectored(sender, NULL, 1));
    EXPECT(TWINRING_BAD_ARGUMENT, twinring_send_vectored(sender, (struct iovec *)small, SIZE_MAX));
    struct iovec lie = {NULL, 5};
    EXPECT(TWINRING_BAD_ARGUMENT, twinring_send_vectored(sender, &lie, 1));
    EXPECT(TWINRING_BAD_ARGUMENT, twinring_reserve(sender, 1, NULL));
    OK(twinring_send(sender, "kept", 4));
    EXPECT(TWINRING_BAD_ARGUMENT, twinring_recv(receiver, NULL, 4, &length));
    EXPECT(TWINRING_BAD_ARGUMENT, twinring_recv(receiver, small, 4, NULL));
    OK(twinring_recv(receiver, small, 4, &length));
    EXPECT(TWINRING_BAD_ARGUMENT, twinring_borrow(receiver, 0, NULL, &length));
    EXPECT(TWINRING_BAD_ARGUMENT, twinring_options_wait(options, 3));
    EXPECT(TWINRING_BAD_ARGUMENT, twinring_options_wait(NULL, TWINRING_WAIT_PARK));
    EXPECT(TWINRING_BAD_ARGUMENT, twinring_options_transport(options, 3));
    EXPECT(TWINRING_BAD_ARGUMENT, twinring_options_transport(NULL, TWINRING_TRANSPORT_SOCKET));
    EXPECT(TWINRING_BAD_ARGUMENT, twinring_connection_transport(NULL, &(int32_t){0}));
    EXPECT(TWINRING_BAD_ARGUMENT, twinring_options_handshake_timeout(options, -1));
    EXPECT(TWINRING_BAD_ARGUMENT, twinring_options_authorise(options, NULL, NULL));
    EXPECT(TWINRING_BAD_ARGUMENT, twinring_endpoint_beside_exe(small, sizeof small));
    EXPECT(TWINRING_BAD_ARGUMENT, twinring_finish(NULL));
    twinring_options_free(options);
    twinring_options_free(NULL);
    twinring_connection_close(NULL);
    twinring_listener_close(NULL);
    twinring_sender_close(NULL);
    twinring_receiver_close(NULL);
    twinring_reply_free(NULL);
    twinring_session_close(NULL);
    CHECK(strcmp(twinring_status_text(TWINRING_FULL), "no room") == 0);
    CHECK(strcmp(twinring_status_text(-5), "no code of this library") == 0);
    CHECK(strchr(twinring_version(), '.'));
}

static void spinning(void)
{
    twinring_options *options = twinring_options_new();
    twinring_connection *here, *there;
    twinring_sender *one, *other;
    twinring_receiver *first, *second;
    bool ready;
    OK(twinring_options_wait(options, TWINRING_WAIT_SPIN));
    OK(twinring_options_largest_peer_ring(options, 1 << 20));
    OK(twinring_options_huge_pages(options, false));
    OK(twinring_options_socket_mode(options, 0600));
    OK(twinring_pair(options, &here, &there));
    OK(twinring_connection_split(here, &one, &first));
    OK(twinring_connection_split(there, &other, &second));
    EXPECT(TWINRING_SPINS, twinring_receiver_arm(first, &ready));
    twinring_options_free(options);
    twinring_receiver_close(second);
    OK(twinring_finish(one));
    twinring_sender_close(other);
    twinring_receiver_close(first);
}

/* Over the socket messages come and go as they do through memory. */
static void carried(void)
{
    const int32_t wishes[2] = {TWINRING_TRANSPORT_ANY, TWINRING_TRANSPORT_SOCKET};
    for (int i = 0; i < 2; i++) {
        twinring_options *options = twinring_options_new();
        twinring_connection *here, *there;
        twinring_sender *one, *other;
        twinring_receiver *first, *second;
        char buffer[8];
        size_t length;
        int32_t transport = -1;
        OK(twinring_options_transport(options, wishes[i]));
        OK(twinring_pair(options, &here, &there));
        twinring_options_free(options);
        OK(twinring_connection_transport(here, &transport));
        CHECK(transport == (i == 0 ? TWINRING_TRANSPORT_SHARED_MEMORY : TWINRING_TRANSPORT_SOCKET));
        OK(twinring_connection_split(here, &one, &first));
        OK(twinring_connection_split(there, &other, &second));
        OK(twinring_send(one, "carried", 7));
        OK(twinring_recv_timeout(second, buffer, sizeof buffer, 20000000000, &length));
        CHECK(length == 7 && memcmp(buffer, "carried", 7) == 0);
        twinring_sender_close(one);
        twinring_sender_close(other);
        twinring_receiver_close(first);
        twinring_receiver_close(second);
    }
}

static void the_end(void)
{
    char buffer[8];
    const void *data;
    void *room;
    size_t length;
    OK(twinring_send(sender, "last", 4));
    OK(twinring_reserve(sender, 4, &room));
    twinring_sender_close(sender);
    OK(twinring_borrow(receiver, -1, &data, &length));
    OK(twinring_release(receiver));
    EXPECT(TWINRING_CLOSED, twinring_recv(receiver, buffer, sizeof buffer, &length));
    OK(twinring_send(back, "unread", 6));
    OK(twinring_borrow(away, -1, &data, &length));
    twinring_receiver_close(away);
    /* The first may still find room that was there before. */
    (void)twinring_send(back, "late", 4);
    EXPECT(TWINRING_CLOSED, twinring_send(back, "later", 5));
    twinring_receiver_close(receiver);
    twinring_sender_close(back);
}

int main(void)
{
    CHECK(twinring_error_text()[0] == '\0');
    connect_both();
    send_and_receive();
    too_small();
    in_place();
    full();
    polling();
    counting();
    nonsense();
    spinning();
    carried();
    the_end();
    puts("all of it");
    return 0;
}
