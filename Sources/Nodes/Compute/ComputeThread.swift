internal import Glibc

/// One thread that runs jobs in the order they come: where an actor that multiplies matrices lives.
///
/// Swift's concurrency pool has one thread per core and does not grow, so a training step on it would
/// stop every heartbeat on a small machine. An actor whose `unownedExecutor` is a compute thread never
/// touches the pool. The thread ends once the last reference to it is gone and its jobs are done.
final class ComputeThread: SerialExecutor {
    private let mailbox: Mailbox

    /// Starts the thread.
    init() {
        let mailbox = Mailbox()
        self.mailbox = mailbox
        mailbox.start()
    }

    deinit { mailbox.close() }

    func enqueue(_ job: consuming ExecutorJob) {
        mailbox.post(UnownedJob(job), for: asUnownedSerialExecutor())
    }

    func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        UnownedSerialExecutor(ordinary: self)
    }
}

/// The queue between those who post jobs and the thread that runs them.
///
/// `@unchecked Sendable`: `jobs`, `closed` and the two pthread objects are touched only between lock and
/// unlock of `mutex`; the pthread objects are allocated once and freed in `deinit`, after the thread has ended.
private final class Mailbox: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var jobs: [(UnownedJob, UnownedSerialExecutor)] = []
    private var closed = false

    init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    func start() {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setstacksize(&attributes, 8 << 20)
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        var thread: pthread_t = 0
        let status = pthread_create(
            &thread,
            &attributes,
            { context in
                guard let context else { return nil }
                Unmanaged<Mailbox>.fromOpaque(context).takeRetainedValue().run()
                return nil
            },
            Unmanaged.passRetained(self).toOpaque()
        )
        precondition(status == 0, "the system refuses a new thread (error \(status))")
        pthread_attr_destroy(&attributes)
    }

    func post(_ job: UnownedJob, for executor: UnownedSerialExecutor) {
        pthread_mutex_lock(mutex)
        jobs.append((job, executor))
        pthread_cond_signal(condition)
        pthread_mutex_unlock(mutex)
    }

    func close() {
        pthread_mutex_lock(mutex)
        closed = true
        pthread_cond_signal(condition)
        pthread_mutex_unlock(mutex)
    }

    private func run() {
        while true {
            pthread_mutex_lock(mutex)
            while jobs.isEmpty && !closed { pthread_cond_wait(condition, mutex) }
            let batch = jobs
            jobs.removeAll(keepingCapacity: true)
            pthread_mutex_unlock(mutex)
            if batch.isEmpty { return }
            for (job, executor) in batch { job.runSynchronously(on: executor) }
        }
    }
}

/// Blocks the calling thread. For compute threads only: on the concurrency pool it would stop others.
func pause(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    var wanted = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
    var rest = timespec()
    while nanosleep(&wanted, &rest) != 0 && errno == EINTR { wanted = rest }
}
