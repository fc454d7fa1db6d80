internal import Glibc

/// Writes log lines on a thread of its own, so that whoever reads the log can stall without stopping anybody:
/// what does not fit into a bounded queue is left out and counted.
///
/// `@unchecked Sendable`: everything that changes is touched only between lock and unlock of `mutex`; the
/// pthread objects are allocated once and live as long as the process.
package final class LogWriter: @unchecked Sendable {
    /// Standard error. What is queued is written before the process exits, unless nobody reads.
    package static let standardError: LogWriter = {
        let writer = LogWriter(descriptor: STDERR_FILENO)
        atexit { LogWriter.standardError.flush(seconds: 2) }
        return writer
    }()

    private let descriptor: Int32
    private let bytesMax: Int
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var lines: [[UInt8]] = []
    private var bytesWaiting = 0
    private var omitted = 0
    private var isWriting = false

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - descriptor: Where lines go; stays open as long as the process.
    ///   - bytesMax: How much may wait.
    package init(descriptor: Int32, bytesMax: Int = 1 << 20) {
        self.descriptor = descriptor
        self.bytesMax = bytesMax
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
        start()
    }

    /// Queues a line, or leaves it out; returns at once.
    package func write(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        guard bytesWaiting + bytes.count <= bytesMax else {
            omitted += 1
            return
        }
        lines.append(bytes)
        bytesWaiting += bytes.count
        pthread_cond_broadcast(condition)
    }

    /// Waits until everything is written, at most so long.
    package func flush(seconds: Int) {
        var deadline = timespec()
        clock_gettime(CLOCK_REALTIME, &deadline)
        deadline.tv_sec += seconds
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while isWriting || !lines.isEmpty {
            guard pthread_cond_timedwait(condition, mutex, &deadline) == 0 else { return }
        }
    }

    private func start() {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        var thread: pthread_t = 0
        let status = pthread_create(
            &thread,
            &attributes,
            { context in
                guard let context else { return nil }
                Unmanaged<LogWriter>.fromOpaque(context).takeRetainedValue().run()
                return nil
            },
            Unmanaged.passRetained(self).toOpaque()
        )
        precondition(status == 0, "the system refuses a new thread (error \(status))")
        pthread_attr_destroy(&attributes)
    }

    /// The thread: takes all that waits, writes it, and says what was left out meanwhile.
    private func run() {
        while true {
            pthread_mutex_lock(mutex)
            isWriting = false
            pthread_cond_broadcast(condition)
            while lines.isEmpty && omitted == 0 { pthread_cond_wait(condition, mutex) }
            isWriting = true
            let taken = lines
            let missing = omitted
            lines = []
            bytesWaiting = 0
            omitted = 0
            pthread_mutex_unlock(mutex)
            for line in taken { put(line) }
            if missing > 0 { put(Array((LogWriter.remark(missing, like: taken.last) + "\n").utf8)) }
        }
    }

    /// What is said of lines that were left out, as JSON where the lines are.
    private static func remark(_ missing: Int, like line: [UInt8]?) -> String {
        let message = "log lines were left out: nobody read them in time"
        return line?.first == UInt8(ascii: "{")
            ? #"{"level": "warning", "message": "\#(message)", "lines": \#(missing)}"#
            : "(\(missing) \(message))"
    }

    private func put(_ bytes: [UInt8]) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress?.advanced(by: done), $0.count - done)
            }
            if count > 0 {
                done += count
            } else if errno == EAGAIN {
                var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&entry, 1, -1)
            } else if errno != EINTR {
                // There is nobody to tell.
                return
            }
        }
    }
}
