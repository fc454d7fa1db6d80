// The threads that share the loops of this process: a fork and a join around every loop.
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "CKernels.h"

// How long a thread without work looks for some before it sleeps.
#define SPIN_NANOSECONDS 50000
// Looks between two readings of the clock.
#define SPIN_LOOKS 64

enum { THREADS_MAX = 1024 };

// One loop at a time. `ticket` is its number in the upper half and the next part in the lower: a part is
// taken by exchanging the whole, so that a thread which comes late can take none of another loop. The ticket
// changes before and after what it stands for does: what a thread has read of a loop is that loop's if the
// exchange succeeds.
static struct {
    pthread_mutex_t configuring;
    atomic_size_t threads;
    size_t started;
    atomic_flag busy;
    _Alignas(64) _Atomic uint64_t ticket;
    _Atomic(kernel_part *) body;
    _Atomic(void *) context;
    atomic_size_t parts;
    _Alignas(64) _Atomic uint32_t loops;  // the loop's number again, to sleep on
    atomic_int asleep;
    _Alignas(64) _Atomic uint32_t done;
    atomic_int awaited;
} pool = {.configuring = PTHREAD_MUTEX_INITIALIZER, .threads = 1, .busy = ATOMIC_FLAG_INIT};

// Whether this thread is in a part already: what is nested runs here.
static _Thread_local int inside;

static void relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void sleep_while(_Atomic uint32_t *word, uint32_t value) {
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void wake(_Atomic uint32_t *word) { syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0); }

static int64_t nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

// Waits, at first by looking, until the word is another one than `value`; gives what it is.
static uint32_t changed(_Atomic uint32_t *word, uint32_t value, atomic_int *sleepers) {
    int64_t end = 0;
    for (;;) {
        for (int look = 0; look < SPIN_LOOKS; look++) {
            uint32_t found = atomic_load_explicit(word, memory_order_acquire);
            if (found != value) return found;
            relax();
        }
        int64_t now = nanoseconds();
        if (!end) end = now + SPIN_NANOSECONDS;
        if (now < end) continue;
        // Whoever changes the word looks at `sleepers` afterwards, and the kernel at the word before it
        // sleeps.
        atomic_fetch_add(sleepers, 1);
        if (atomic_load(word) == value) sleep_while(word, value);
        atomic_fetch_sub(sleepers, 1);
    }
}

// Takes and does parts of the loop of this number until there are none left.
static void take_parts(uint32_t loop) {
    uint64_t ticket = atomic_load_explicit(&pool.ticket, memory_order_acquire);
    while ((uint32_t)(ticket >> 32) == loop) {
        size_t part = (uint32_t)ticket, parts = atomic_load(&pool.parts);
        kernel_part *body = atomic_load(&pool.body);
        void *context = atomic_load(&pool.context);
        if (part >= parts) return;
        if (!atomic_compare_exchange_weak(&pool.ticket, &ticket, ticket + 1)) continue;
        body(context, part);
        if (atomic_fetch_add(&pool.done, 1) + 1 == parts && atomic_load(&pool.awaited)) wake(&pool.done);
        ticket = atomic_load_explicit(&pool.ticket, memory_order_acquire);
    }
}

static void *work(void *argument) {
    size_t number = (size_t)argument;
    inside = 1;
    for (uint32_t loop = 0;;) {
        loop = changed(&pool.loops, loop, &pool.asleep);
        if (number < atomic_load_explicit(&pool.threads, memory_order_relaxed)) take_parts(loop);
    }
    return NULL;
}

void kernel_parallel_configure(size_t threads) {
    pthread_mutex_lock(&pool.configuring);
    if (threads < 1) threads = 1;
    if (threads > THREADS_MAX) threads = THREADS_MAX;
    if (pool.started == 0) pool.started = 1;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, 8 << 20);
    // Signals are the business of the threads that were there before.
    sigset_t all, usual;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &usual);
    // Where the system refuses a thread, fewer share the loops, with the same results.
    for (pthread_t thread; pool.started < threads; pool.started++)
        if (pthread_create(&thread, &attributes, work, (void *)pool.started)) break;
    pthread_sigmask(SIG_SETMASK, &usual, NULL);
    pthread_attr_destroy(&attributes);
    atomic_store(&pool.threads, threads < pool.started ? threads : pool.started);
    pthread_mutex_unlock(&pool.configuring);
}

size_t kernel_parallel_threads(void) { return atomic_load_explicit(&pool.threads, memory_order_relaxed); }

void kernel_parallel(size_t parts, kernel_part *body, void *context) {
    if (parts < 2 || inside || kernel_parallel_threads() < 2 || parts > UINT32_MAX / 2
        || atomic_flag_test_and_set_explicit(&pool.busy, memory_order_acquire)) {
        for (size_t part = 0; part < parts; part++) body(context, part);
        return;
    }
    inside = 1;
    uint32_t loop = atomic_load_explicit(&pool.loops, memory_order_relaxed) + 1;
    if (loop == 0) loop = 1;
    atomic_store(&pool.ticket, (uint64_t)loop << 32 | UINT32_MAX);
    atomic_store(&pool.parts, parts);
    atomic_store(&pool.body, body);
    atomic_store(&pool.context, context);
    atomic_store(&pool.done, 0);
    atomic_store(&pool.ticket, (uint64_t)loop << 32);
    atomic_store(&pool.loops, loop);
    if (atomic_load(&pool.asleep)) wake(&pool.loops);
    take_parts(loop);
    for (uint32_t done = atomic_load(&pool.done); done != parts;) done = changed(&pool.done, done, &pool.awaited);
    inside = 0;
    atomic_flag_clear_explicit(&pool.busy, memory_order_release);
}
