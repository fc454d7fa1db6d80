import Foundation
import Glibc
import Testing

@testable import Nodes

@Suite("Log lines") struct LogWriterTests {
    private func pipe() -> (reading: Int32, writing: Int32) {
        var ends: [Int32] = [0, 0]
        precondition(Glibc.pipe(&ends) == 0)
        return (ends[0], ends[1])
    }

    private func drain(_ descriptor: Int32) -> String {
        var all: [UInt8] = []
        var bytes = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(descriptor, &bytes, bytes.count)
            guard count > 0 else { break }
            all += bytes.prefix(count)
            if all.suffix(5).elementsEqual(Array("last\n".utf8)) { break }
        }
        return String(decoding: all, as: UTF8.self)
    }

    @Test(
        "a reader that stalls stops nobody; lines that do not fit are counted, and the rest keeps its order"
    )
    func stalledReader() {
        let ends = pipe()
        let writer = LogWriter(descriptor: ends.writing, bytesMax: 100_000)
        let line = String(repeating: "x", count: 999)
        let clock = ContinuousClock()

        let time = clock.measure { for index in 0..<2_000 { writer.write("\(index) \(line)") } }
        writer.flush(seconds: 0)

        #expect(time < .seconds(2), "nobody reads, and writing took \(time)")
        let reading = Thread { [self] in
            usleep(50_000)
            writer.write("last")
            _ = self
        }
        reading.start()
        let lines = drain(ends.reading).split(separator: "\n")
        let numbers = lines.compactMap { Int($0.prefix { $0 != " " }) }
        #expect(numbers == numbers.sorted() && numbers.first == 0 && numbers.count < 500)
        #expect(lines.contains { $0.hasSuffix("log lines were left out: nobody read them in time)") })
        #expect(lines.last == "last")
    }

    @Test("what was written is there after a flush")
    func flush() {
        let ends = pipe()
        let writer = LogWriter(descriptor: ends.writing)
        for index in 0..<20 { writer.write("line \(index)") }
        writer.write("last")
        writer.flush(seconds: 5)
        #expect(drain(ends.reading).split(separator: "\n").count == 21)
    }
}
