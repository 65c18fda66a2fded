"""Builds the extension `twinring._binding` from the installed C library.

What is declared to cffi is the installed header itself, as the C compiler's preprocessor sees it: nothing is copied by hand, so
nothing can differ. The library is linked statically: the extension is one file, and needs none beside it.

TWINRING_PREFIX names where `capi/install.sh` put the library; else pkg-config is asked.
"""

import os
import subprocess
import tempfile
from pathlib import Path

from cffi import FFI

COMPILER = os.environ.get("CC", "cc")

# The system's own headers stay out of what is declared: cffi knows their integers.
SYSTEM_HEADERS = ("stdbool.h", "stddef.h", "stdint.h", "sys/uio.h")

# What the header names and does not define, and what this package adds.
DECLARATIONS = """
struct iovec { void *iov_base; size_t iov_len; };

%s

typedef struct {
    twinring_pending *pending;
    twinring_reply *reply;
    const void *data;
    size_t length;
} twinring_python_answer;

twinring_status twinring_python_ask(const twinring_session *session, uint32_t selector, const void *data, size_t length,
                                    int64_t slice_ns, twinring_python_answer *answer);
twinring_status twinring_python_await(twinring_python_answer *answer, int64_t slice_ns);
twinring_status twinring_python_take(twinring_python_answer *answer, int64_t timeout_ns);

extern "Python" int32_t twinring_python_on_call(twinring_request *request, void *user_data);
extern "Python" void twinring_python_on_event(twinring_request *request, void *user_data);
extern "Python" const char *twinring_python_authorise(const twinring_peer *peer, void *user_data);
"""

# One step into C for what a call is made of: each step gives the interpreter's lock away and asks for it again.
SOURCE = """
#include <twinring.h>

typedef struct {
    twinring_pending *pending;
    twinring_reply *reply;
    const void *data;
    size_t length;
} twinring_python_answer;

/* Takes the reply. The pending call is used up in any case. */
static twinring_status twinring_python_take(twinring_python_answer *answer, int64_t timeout_ns)
{
    twinring_pending *pending = answer->pending;
    answer->pending = NULL;
    twinring_status status = twinring_pending_wait(pending, timeout_ns, answer->reply);
    answer->data = twinring_reply_data(answer->reply);
    answer->length = twinring_reply_length(answer->reply);
    return status;
}

/* Takes the reply if it comes in time; if it does not, the call stays pending. */
static twinring_status twinring_python_await(twinring_python_answer *answer, int64_t slice_ns)
{
    if (!twinring_pending_wait_answered(answer->pending, slice_ns))
        return TWINRING_TIMEOUT;
    return twinring_python_take(answer, -1);
}

/* Calls, and takes the reply if it comes in time. If nothing was sent, no call is pending. */
static twinring_status twinring_python_ask(const twinring_session *session, uint32_t selector, const void *data,
                                           size_t length, int64_t slice_ns, twinring_python_answer *answer)
{
    twinring_status status = twinring_begin_timeout(session, selector, data, length, slice_ns, &answer->pending);
    return status == TWINRING_OK ? twinring_python_await(answer, slice_ns) : status;
}
"""


def prefix():
    """Where the C library is installed."""
    named = os.environ.get("TWINRING_PREFIX")
    if named:
        return Path(named).resolve()
    asked = ["pkg-config", "--variable=prefix", "twinring_c"]
    try:
        return Path(subprocess.run(asked, check=True, stdout=subprocess.PIPE, text=True).stdout.strip())
    except (OSError, subprocess.CalledProcessError) as error:
        raise SystemExit(f"no twinring_c: install it by capi/install.sh, and name where in TWINRING_PREFIX ({error})")


def declared(header):
    """What a header declares, without comments and directives."""
    with tempfile.TemporaryDirectory() as empty:
        for name in SYSTEM_HEADERS:
            stub = Path(empty, name)
            stub.parent.mkdir(exist_ok=True)
            stub.touch()
        command = [COMPILER, "-E", "-P", "-std=c11", "-nostdinc", "-isystem", empty, str(header)]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def made():
    """The extension, as setuptools wants it."""
    at = prefix()
    builder = FFI()
    builder.cdef(DECLARATIONS % declared(at / "include" / "twinring.h"))
    builder.set_source(
        "twinring._binding",
        SOURCE,
        include_dirs=[str(at / "include")],
        extra_objects=[str(at / "lib" / "libtwinring_c.a")],
        libraries=["pthread", "dl", "m"],
    )
    return builder


builder = made()
