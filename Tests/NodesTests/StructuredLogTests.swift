import Foundation
import Glibc
import Logging
import Testing

@testable import Nodes

/// Log lines for machines.
@Suite struct StructuredLogTests {
    /// The line that a logger writes.
    private func line(_ metadata: Logger.Metadata) throws -> [String: Any] {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        defer { ends.forEach { close($0) } }
        let writer = LogWriter(descriptor: ends[1])
        let log = StructuredLog(label: "test", format: .json, level: .info, writer: writer)
        Logger(label: "test") { _ in log }.info("said", metadata: metadata)
        writer.flush(seconds: 2)
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = read(ends[0], &bytes, bytes.count)
        let object = try JSONSerialization.jsonObject(with: Data(bytes.prefix(max(count, 0))))
        return try #require(object as? [String: Any])
    }

    @Test("numbers are numbers, and names are text even where they look like numbers")
    func numbers() throws {
        let found = try line([
            "round": "3", "reward": "0.25", "seconds": .stringConvertible(1e-07), "client": "7",
            "reason": "12", "step": "007", "loss": "nan", "port": "7433",
        ])

        #expect(found["round"] as? Int == 3)
        #expect(found["reward"] as? Double == 0.25)
        #expect(found["seconds"] as? Double == 1e-07)
        #expect(found["port"] as? Int == 7433)
        for (key, text) in [("client", "7"), ("reason", "12"), ("step", "007"), ("loss", "nan")] {
            #expect(found[key] as? String == text)
        }
    }

    @Test("the error that ends a program is one line of JSON, with its exit code as a number")
    func fatal() throws {
        let line = StructuredLog.fatalLine(program: "client", message: "a \"b\"\nc", exitCode: 78)

        #expect(!line.contains("\n"))
        let found = try #require(
            try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        )
        #expect(found["exitCode"] as? Int == 78)
        #expect(found["level"] as? String == "critical")
        #expect(found["message"] as? String == "a \"b\"\nc")
        #expect((found["time"] as? String)?.hasSuffix("Z") == true)
    }
}
