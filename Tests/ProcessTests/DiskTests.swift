import Foundation
import Testing

extension ProcessTests {
    /// A disk that runs full: a small file system of memory, which needs root to mount.
    @Suite(.serialized)
    struct DiskTests {
        @Test(
            "a full disk loses nothing and is named; with space again the run completes",
            .enabled("mounting a file system needs root") { await DiskTests.canMount() },
            .timeLimit(.minutes(2))
        )
        func fullDisk() async throws {
            try await Bench.with { bench in
                var topology = SmallTopology(delayMs: 60_000)
                let run = try await Federation(topology, in: bench)
                topology.delayMs = 0
                let disk = run.state(Federation.coordinator)
                try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
                let mounted = try await bench.run(
                    "/bin/mount",
                    ["-t", "tmpfs", "-o", "size=16m", "tmpfs", disk]
                )
                try #require(mounted.code == 0, "\(mounted.output)")
                do {
                    try await fillAndFree(run, disk, thenGoOnWith: topology)
                } catch {
                    await run.kill(Federation.coordinator)
                    _ = try await bench.run("/bin/umount", ["-l", disk])
                    throw error
                }
                _ = try await bench.run("/bin/umount", ["-l", disk])
            }
        }

        /// Whether this user may mount a file system of memory here.
        private static func canMount() async -> Bool {
            guard geteuid() == 0 else { return false }
            let code = try? await Bench.with { bench in
                try await bench.run(
                    "/bin/sh",
                    ["-c", "mount -t tmpfs tmpfs '\(bench.folder)' && umount '\(bench.folder)'"]
                )
                .code
            }
            return code == 0
        }

        /// One client is slow until the disk is full: no step closes before, however late this test wakes.
        private func fillAndFree(
            _ run: Federation,
            _ disk: String,
            thenGoOnWith topology: SmallTopology
        ) async throws {
            try run.start(Federation.everyone)
            try #require(await eventually { run.log("inc").contains("responses(round: 0, step: 2)") })
            let filler = disk + "/filler"
            let descriptor = open(filler, O_WRONLY | O_CREAT, 0o600)
            let block = [UInt8](repeating: 1, count: 4096)
            while write(descriptor, block, block.count) > 0 {}
            close(descriptor)
            await run.kill("max")
            try run.rewrite(topology)
            try run.start("max")
            // An upload that cannot be stored is refused and comes again; a ledger that cannot be written ends
            // the coordinator. Either way the log says why.
            try #require(
                await eventually {
                    SmallTopology.clients.contains { run.log($0).contains("No space left") }
                        || run.running[Federation.coordinator]?.exitCode != nil
                }
            )
            let log = run.log(Federation.coordinator)
            let reasons = log.split(separator: "\n").filter {
                !$0.contains(" debug ") && $0.contains("o space")
            }
            #expect(!reasons.isEmpty, "the coordinator tells its operator: \(log.suffix(900))")
            let code = run.running[Federation.coordinator]?.exitCode
            #expect(code == nil || code == 74, "the coordinator ended so: \(log.suffix(900))")
            try FileManager.default.removeItem(atPath: filler)
            if code != nil { try run.start(Federation.coordinator) }
            #expect(try await run.finish() == Federation.undisturbed())
        }
    }
}
