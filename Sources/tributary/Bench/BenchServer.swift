internal import Foundation

/// This program as one side of a comparison: it does the work once for each line that it is given.
enum BenchServer {
    /// Works once to warm up, and then once for each line `run` until its input ends; says each time what it measured.
    ///
    /// - Parameters:
    ///   - work: Does the work once; returns what it measured. A figure `peakMiB` stands for the memory of other processes.
    ///   - parts: For a line `parts`: measures parts of the work on their own.
    static func serve(
        _ work: () throws -> [String: Double],
        parts: () throws -> [String: Double] = { [:] }
    ) throws {
        var line: String? = "run"
        while let word = line {
            let load = BenchLoad()
            var figures = word == "parts" ? try parts() : try work()
            let sample = BenchSample(
                seconds: load.seconds,
                cpuSeconds: load.ownSeconds,
                peakMiB: figures.removeValue(forKey: "peakMiB") ?? BenchLoad.peakMiB,
                figures: figures
            )
            say(String(decoding: try JSONEncoder().encode(sample), as: UTF8.self))
            line = readLine()
        }
    }

    private static func say(_ line: String) {
        FileHandle.standardOutput.write(Data((line + "\n").utf8))
    }
}
