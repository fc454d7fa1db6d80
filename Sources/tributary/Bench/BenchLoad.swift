internal import Foundation

/// CPU time: of the whole machine, and of one process with the children it has waited for.
struct BenchLoad {
    /// Seconds in which some core did something, since the machine started.
    private let busy: Double
    /// CPU seconds of this process and its ended children.
    private let own: Double
    private let instant = ContinuousClock.now

    init() {
        busy = Self.busySeconds()
        own = Self.ownSeconds()
    }

    /// Seconds since this was made.
    var seconds: Double { (ContinuousClock.now - instant).inSeconds }
    /// CPU seconds of this process and its ended children since this was made.
    var ownSeconds: Double { Self.ownSeconds() - own }

    /// The share of all cores that others took since this was made.
    ///
    /// - Parameter known: CPU seconds of processes that belong to the measurement, besides this one.
    func others(besides known: Double) -> Double {
        let cores = Double(ProcessInfo.processInfo.activeProcessorCount)
        return max(0, Self.busySeconds() - busy - ownSeconds - known) / (cores * max(seconds, 1e-9))
    }

    /// The most memory that this process had at once, in MiB.
    static var peakMiB: Double {
        let text = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        let words = line?.split { " \t".contains($0) } ?? []
        return (words.count > 1 ? Double(words[1]) ?? 0 : 0) / 1024
    }

    /// user, nice, system, irq, softirq and steal of all cores; idle and iowait are not busy.
    private static func busySeconds() -> Double {
        let text = (try? String(contentsOfFile: "/proc/stat", encoding: .utf8)) ?? ""
        let ticks = text.prefix { $0 != "\n" }.split(separator: " ").dropFirst().prefix(8).compactMap {
            Double($0)
        }
        guard ticks.count == 8 else { return 0 }
        return (ticks.reduce(0, +) - ticks[3] - ticks[4]) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    private static func ownSeconds() -> Double {
        [RUSAGE_SELF, RUSAGE_CHILDREN].reduce(0) { sum, who in
            var usage = rusage()
            getrusage(who.rawValue, &usage)
            return sum
                + [usage.ru_utime, usage.ru_stime].reduce(0) {
                    $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1e6
                }
        }
    }
}
