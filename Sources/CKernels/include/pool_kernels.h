// The threads of this process (pool.c).
#pragma once

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// One part of a loop, of 0 ..< parts.
typedef void kernel_part(void *context, size_t part);

/// How many threads share a loop from now on, the caller's included; at first one. Threads that were started
/// stay.
void kernel_parallel_configure(size_t threads);
size_t kernel_parallel_threads(void);
/// Does all parts, in any order, on as many threads, and returns when they are done. Parts may not wait for
/// each other. A loop inside a part, and one that comes while the threads have another, runs on the caller's
/// thread alone: what is computed must not depend on who does a part.
void kernel_parallel(size_t parts, kernel_part *body, void *context);

#ifdef __cplusplus
}
#endif
