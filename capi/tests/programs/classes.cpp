// From C++: handles in smart pointers, and a handler that is a method.
#include <memory>
#include <string>

#include "check.h"
#include "generic_ipc.h"
#include "twinring.h"

struct Close {
    void operator()(twinring_session *session) const { twinring_session_close(session); }
    void operator()(twinring_reply *reply) const { twinring_reply_free(reply); }
};

class Greeter {
  public:
    static std::int32_t on_call(twinring_request *request, void *user_data)
    {
        return static_cast<Greeter *>(user_data)->answer(request);
    }

  private:
    std::string greeting = "hello, ";

    std::int32_t answer(twinring_request *request)
    {
        std::string name(static_cast<const char *>(twinring_request_data(request)), twinring_request_length(request));
        std::string reply = greeting + name;
        return twinring_request_reply(request, reply.data(), reply.size());
    }
};

static std::unique_ptr<twinring_session, Close> open(twinring_connection *connection, Greeter *greeter)
{
    twinring_session *session;
    OK(twinring_session_new(connection, nullptr, Greeter::on_call, nullptr, greeter, &session));
    return std::unique_ptr<twinring_session, Close>(session);
}

int main()
{
    twinring_connection *here, *there;
    OK(twinring_pair(nullptr, &here, &there));
    Greeter greeter;
    auto server = open(there, &greeter);
    auto client = open(here, &greeter);
    std::unique_ptr<twinring_reply, Close> reply(twinring_reply_new());
    OK(twinring_call(client.get(), 0, "world", 5, -1, reply.get()));
    std::string text(static_cast<const char *>(twinring_reply_data(reply.get())), twinring_reply_length(reply.get()));
    CHECK(text == "hello, world");
    ipc_req_t request = {IPC_PAK_REQ_DATA, nullptr, 0};
    ipc_resp_t response = {nullptr, 0};
    CHECK(generic_ipc_request(&request, &response) == -1);
    std::puts("all of it");
    return 0;
}
