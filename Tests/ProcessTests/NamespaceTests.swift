import Foundation
import Testing

extension ProcessTests {
    /// A network of namespaces instead of the loopback interface.
    @Suite(.serialized)
    struct NamespaceTests {
        /// Whether this user may make network namespaces here, and join them.
        private static func canMakeNamespaces() async -> Bool {
            guard geteuid() == 0 else { return false }
            let name = "tributary-try-\(getpid())"
            let commands =
                "PATH=$PATH:/usr/sbin:/sbin; ip netns add \(name) && ip -n \(name) link add bridge0 type bridge; code=$?;"
                + " ip netns delete \(name); exit $code"
            let code = try? await Bench.with { bench in try await bench.run("/bin/sh", ["-c", commands]).code
            }
            return code == 0
        }

        @Test(
            "nodes with network stacks and addresses of their own run a federation",
            .enabled("network namespaces need root and iproute2") {
                await NamespaceTests.canMakeNamespaces()
            },
            .timeLimit(.minutes(2))
        )
        func acrossNamespaces() async throws {
            try await Bench.with { bench in
                let script = Programs.packageRoot + "/deploy/netns/run"
                let folder = try #require(Programs.folder)
                let (code, output) = try await bench.run("/bin/bash", [script, folder, bench.path("run")])
                #expect(code == 0, "\(output)")
                for address in 2...4 { #expect(output.contains("  10.77.0.\(address):"), "\(output)") }
                #expect(output.contains("all 4 nodes finished"))
                let left = try await bench.run("/bin/sh", ["-c", "ip netns list"])
                #expect(!left.output.contains("tributary-"), "namespaces are left: \(left.output)")
                let adapter = bench.path("run/state/coordinator/adapter/adapter_model.safetensors")
                #expect(FileManager.default.fileExists(atPath: adapter))
            }
        }
    }
}
