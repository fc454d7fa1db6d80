import Digest
import Contract
import Testing

@testable import Wire

/// The tables of protocol/SPEC.md against the code.
@Suite struct SpecificationTests {
    @Test("the limits table is Limits.swift, and what that takes from the contract")
    func limits() throws {
        func lines(_ path: String) throws -> [Substring] { try Repository.text(path).split(separator: "\n") }
        func number(_ text: Substring) -> Int? { Int(text.filter { $0 != "_" }) }
        var contract: [String: Int] = [:]
        for line in try lines("Sources/Contract/Trainer/PublicExchange.swift") {
            guard let found = line.firstMatch(of: /static let (\w+) = ([\d_]+)/) else { continue }
            contract[String(found.1)] = number(found.2)
        }
        var code: [String: Int] = [:]
        for line in try lines("Sources/Wire/Limits.swift") {
            guard let found = line.firstMatch(of: /static let (\w+) = (?:([\d_]+)|ExchangeLimits\.(\w+))/)
            else {
                continue
            }
            code[String(found.1)] = found.2.flatMap(number) ?? found.3.flatMap { contract[String($0)] }
        }
        var table: [String: Int] = [:]
        for row in try Repository.table(under: "Limits") {
            table[row[0]] = Int(row[1].filter { $0 != "," })
        }
        #expect(code.count > 25)
        #expect(table == code)
    }

    @Test("the error table is ErrorCode, and so is error.proto")
    func errorCodes() throws {
        let table = try Repository.table(under: "Error codes").map { "\($0[0]) \($0[1])" }
        #expect(table == ErrorCode.allCases.map { "\($0.rawValue) \($0.name)" })
        let schema = ProtoErrorCode.allCases.map(\.rawValue).filter { $0 != 0 }
        #expect(schema == ErrorCode.allCases.map(\.rawValue))
        #expect(Set(ErrorCode.allCases.map(\.name)).count == ErrorCode.allCases.count)
    }

    @Test("the message table is MessageType")
    func messages() throws {
        let table = try Repository.table(under: "Message types").map { $0.prefix(4).joined(separator: " ") }
        let code = MessageType.allCases.map { type in
            let senders = [Peer.client, .coordinator].filter { type.mayCome(from: $0) }
            let sender = senders.count == 2 ? "either" : senders[0].rawValue
            return "\(type.rawValue) \(type) \(sender) \(type.bodyBytesMax)"
        }
        #expect(table == code)
    }

    @Test("both state tables have a column for each message of the other side and no empty cell")
    func states() throws {
        for (heading, sender) in [("Coordinator states", Peer.client), ("Client states", .coordinator)] {
            let rows = try Repository.table(under: heading, withHeader: true)
            let types = MessageType.allCases.filter { $0.mayCome(from: sender) }
            #expect(rows.count > 5)
            #expect(rows[0] == ["state"] + types.map { "\($0)" })
            for row in rows {
                #expect(row.count == rows[0].count, "\(heading): \(row[0])")
                #expect(row.allSatisfy { !$0.isEmpty }, "\(heading): \(row[0])")
            }
        }
    }

    @Test("schemas and generated Swift are those of the last generation")
    func generated() throws {
        for line in try Repository.text("protocol/generated.sha256").split(separator: "\n") {
            let parts = line.split(separator: " ")
            let found = SHA256Digest(of: Array(try Repository.bytes(String(parts[1]))))
            #expect(found.description == parts[0], "\(parts[1]): run protocol/generate")
        }
    }

    @Test("the compression table holds on Gaussian values, to two per cent")
    func compression() throws {
        let small = try Self.ratios(rows: 8, columns: 576)
        let large = try Self.ratios(rows: 512, columns: 512)

        let table = try Repository.table(under: "Measured sizes")

        #expect(Set(table.map { $0[0] }) == Set(small.keys))
        for row in table {
            for (cell, measured) in [(row[1], small[row[0]]), (row[2], large[row[0]])] {
                let stated = try #require(Double(cell))
                let found = try #require(measured)
                #expect(abs(found / stated - 1) < 0.02, "\(row[0]): \(found)")
            }
        }
    }

    private static func ratios(rows: Int, columns: Int) throws -> [String: Double] {
        let count = rows * columns
        let values = Sample.gaussian(count, seed: 11, deviation: 0.01)
        let array = NamedArray(name: "w", shape: [rows, columns], values: values)
        func ratio(_ bytes: [UInt8], _ planes: [Int]) -> Double {
            Double(4 * count) / Double(ZstdCompressor().compress(bytes, planes: planes).count)
        }
        let plain = values.withUnsafeBytes { Array($0) }
        let halves = values.map { BFloat16.round($0) }.withUnsafeBytes { Array($0) }
        var ratios = [
            "f32, no planes": ratio(plain, [4 * count]), "bf16, no planes": ratio(halves, [2 * count]),
        ]
        for encoding in TensorEncoding.allCases {
            ratios[encoding.rawValue] = try ratio(
                TensorPacking.pack(array, as: encoding),
                TensorPacking.planes(shape: array.shape, as: encoding.elementType)
            )
        }
        return ratios
    }
}
