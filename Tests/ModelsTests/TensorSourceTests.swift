import Contract
import Foundation
import Tensors
import Testing

@testable import Models

/// Weights on their way from a file into a decoder.
@Suite struct TensorSourceTests {
    private func file(_ arrays: [NamedArray], _ scratch: Scratch) throws -> SafetensorsFile {
        try SafetensorsWriter.write(arrays, to: scratch.path + "/f")
        return try SafetensorsFile(path: scratch.path + "/f")
    }

    private func array(_ name: String, _ shape: [Int]) -> NamedArray {
        let count = shape.reduce(1, *)
        return NamedArray(name: name, shape: shape, values: (0..<count).map { Float($0) })
    }

    @Test("a large float32 weight is used where the mapped file has it, a small one is copied")
    func inPlace() throws {
        let scratch = try Scratch()
        let file = try file([array("large", [128, 128]), array("small", [4, 4])], scratch)
        let mapping = try #require(try file.tensor("large")).file.mapping()
        let bytes = mapping.base..<mapping.base + mapping.count

        let large = try file.weight(at: TensorPlace("large"), shape: [128, 128]).values()
        let small = try file.weight(at: TensorPlace("small"), shape: [4, 4]).values()

        #expect(bytes.contains(UnsafeRawPointer(large.base)))
        #expect(!bytes.contains(UnsafeRawPointer(small.base)))
        #expect(large.toArray() == array("", [128, 128]).values)
        #expect(small.toArray() == array("", [4, 4]).values)
    }

    @Test("values in place outlive the file that was opened")
    func outliving() throws {
        let scratch = try Scratch()
        var values: FrozenValues?
        do {
            values = try file([array("w", [128, 128])], scratch)
                .weight(at: TensorPlace("w"), shape: [128, 128]).values()
            try FileManager.default.removeItem(atPath: scratch.path + "/f")
        }
        #expect(values?.toArray() == array("", [128, 128]).values)
    }

    @Test("rows of a fused tensor, interleaved rows and an offset are undone")
    func places() throws {
        let scratch = try Scratch()
        let file = try file([array("w", [8, 2])], scratch)

        let part = try file.weight(
            at: TensorPlace("w", part: .init(start: 4, of: 8), interleavedHeadSize: 4, offset: 1),
            shape: [4, 2]
        ).values()

        #expect(part.toArray() == [9, 10, 13, 14, 11, 12, 15, 16])
        #expect(
            throws: CheckpointError.wrongShape(file: file.path, name: "w", expected: [9, 2], found: [8, 2])
        ) {
            try file.weight(at: TensorPlace("w", part: .init(start: 0, of: 9)), shape: [4, 2])
        }
    }

    @Test("a large weight with a NaN is refused by name")
    func notFinite() throws {
        var weight = array("w", [128, 128])
        weight.values[9999] = .nan
        let scratch = try Scratch()
        let file = try file([weight], scratch)
        #expect(throws: CheckpointError.notFinite(file: file.path, name: "w")) {
            try file.weight(at: TensorPlace("w"), shape: [128, 128]).values()
        }
    }

    @Test("a file that is shortened while it is read is found")
    func changed() throws {
        let scratch = try Scratch()
        let file = try file([array("w", [4])], scratch)
        try file.requireUnchanged()

        truncate(file.path, 20)

        let error = #expect(throws: CheckpointError.self) { try file.requireUnchanged() }
        #expect(error?.description == "\(file.path): was changed while it was read")
    }
}
