/* What every program here needs: to say what went wrong and end. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                                    \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

/* That a function returned this code, with the library's text if not. For programs that include twinring.h. */
#define EXPECT(code, call)                                                                                             \
    do {                                                                                                               \
        int check_code = (call);                                                                                       \
        if (check_code != (code)) {                                                                                    \
            fprintf(stderr, "%s:%d: %s: expected %d, got %d: %s\n", __FILE__, __LINE__, #call, (int)(code),            \
                    check_code, twinring_error_text());                                                                \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

#define OK(call) EXPECT(TWINRING_OK, call)

#endif
