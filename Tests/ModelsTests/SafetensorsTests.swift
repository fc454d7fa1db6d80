import Contract
import Foundation
import Models
import Testing

@Suite("Safetensors")
struct SafetensorsTests {
    private func file(_ header: String, data: Int, _ scratch: Scratch) throws -> String {
        var bytes: [UInt8] = []
        bytes.append(integer: UInt64(header.utf8.count))
        bytes += header.utf8
        bytes += [UInt8](repeating: 0, count: data)
        return try scratch.write(bytes, "model.safetensors")
    }

    private func fault(_ header: String, data: Int) throws -> CheckpointError? {
        let scratch = try Scratch()
        let path = try file(header, data: data, scratch)
        return #expect(throws: CheckpointError.self) { try SafetensorsFile(path: path) }
    }

    @Test("what is written is read back, and the same arrays give the same bytes")
    func roundTrip() throws {
        let scratch = try Scratch()
        let arrays = [
            NamedArray(name: "b \"quoted\"/ü", shape: [2, 3], values: [1, -2, 3.5, 0, -0.0, 1e-38]),
            NamedArray(name: "a", shape: [], values: [7]),
            NamedArray(name: "c", shape: [0, 4], values: []),
        ]

        try SafetensorsWriter.write(arrays, metadata: ["format": "pt", "a": "b"], to: scratch.path + "/1")
        try SafetensorsWriter.write(
            arrays.reversed(),
            metadata: ["a": "b", "format": "pt"],
            to: scratch.path + "/2"
        )

        let file = try SafetensorsFile(path: scratch.path + "/1")
        #expect(file.metadata == ["format": "pt", "a": "b"])
        #expect(Set(file.names) == ["a", "b \"quoted\"/ü", "c"])
        for array in arrays {
            #expect(file.shape(of: array.name) == array.shape)
            #expect(try file.values(of: array.name, shape: array.shape) == array.values)
        }
        let both = try ["/1", "/2"].map { try Data(contentsOf: URL(filePath: scratch.path + $0)) }
        #expect(both[0] == both[1])
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path).count == 2)
    }

    @Test("float16 and bfloat16 are widened exactly", arguments: ["f16", "bf16"])
    func types(name: String) throws {
        let file = try SafetensorsFile(path: Golden.path("types.safetensors"))
        #expect(try file.values(of: name) == file.values(of: "\(name).expected"))
    }

    @Test("values written in 16 bits are read back rounded, from half the bytes, with 1/3 as float16 has it")
    func half() throws {
        let scratch = try Scratch()
        let array = NamedArray(name: "a", shape: [2, 2], values: [1.0 / 3, -2, 1e-9, 65_504])

        try SafetensorsWriter.write([array], precision: .half, to: scratch.path + "/half")
        try SafetensorsWriter.write([array], to: scratch.path + "/single")

        let file = try SafetensorsFile(path: scratch.path + "/half")
        #expect(try file.values(of: "a", shape: [2, 2]) == [0x1.554p-2, -2, 0, 65_504])
        let sizes = try ["/half", "/single"].map {
            try Data(contentsOf: URL(filePath: scratch.path + $0)).count
        }
        #expect(sizes[1] - sizes[0] == 8)
    }

    @Test("a header length beyond the file is an error that gives both")
    func headerLength() throws {
        let scratch = try Scratch()
        var bytes: [UInt8] = []
        bytes.append(integer: UInt64(5000))
        bytes += "{}".utf8
        let path = try scratch.write(bytes, "x")
        #expect(
            throws: CheckpointError.truncated(file: path, what: "header", offset: 8, needed: 5000, size: 10)
        ) { try SafetensorsFile(path: path) }
    }

    @Test("an absurd header length is refused before anything is allocated")
    func absurdHeader() throws {
        let scratch = try Scratch()
        let path = try scratch.write([UInt8](repeating: 0xFF, count: 16), "x")
        #expect(
            throws: CheckpointError.overLimit(
                file: path,
                what: "header length",
                value: .max,
                limit: 100_000_000
            )
        ) { try SafetensorsFile(path: path) }
    }

    @Test("a file of fewer than eight bytes is an error")
    func short() throws {
        let scratch = try Scratch()
        let path = try scratch.write([1, 2, 3], "x")
        #expect(throws: CheckpointError.self) { try SafetensorsFile(path: path) }
    }

    @Test("a missing file is named with the system's reason")
    func missing() {
        #expect(
            throws: CheckpointError.inaccessible(file: "/nowhere/x", reason: "No such file or directory")
        ) { try SafetensorsFile(path: "/nowhere/x") }
    }

    @Test("truncated data names the tensor")
    func truncated() throws {
        let error = try fault(#"{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}"#, data: 12)
        #expect(error?.description.contains("truncated: tensor 'w' takes 16 B") == true)
    }

    @Test("overlapping tensors are refused by name")
    func overlap() throws {
        let header =
            #"{"v":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"#
            + #""w":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#
        #expect(try fault(header, data: 12)?.description.contains("'w' overlaps") == true)
    }

    @Test("gaps and trailing bytes are refused")
    func gaps() throws {
        let gap = #"{"w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#
        #expect(try fault(gap, data: 8)?.description.contains("leaves a gap") == true)
        let trailing = #"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#
        #expect(try fault(trailing, data: 8)?.description.contains("end at data offset 4") == true)
    }

    @Test(
        "headers that contradict themselves are refused",
        arguments: [
            #"{"w":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#,
            #"{"w":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#,
            #"{"w":{"dtype":"F32","shape":[4611686018427387904,8],"data_offsets":[0,8]}}"#,
            #"{"w":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#,
            #"{"w":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}"#,
            #"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,99999999999999999999]}}"#,
            #"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0]}}"#,
            #"{"w":{"dtype":"F3","shape":[2],"data_offsets":[0,8]}}"#,
            #"{"w":{"shape":[2],"data_offsets":[0,8]}}"#,
            #"{"w":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]}}"#,
            #"[1]"#, #"{"w""#, "",
        ]
    )
    func contradictions(header: String) throws {
        #expect(try fault(header, data: 8) != nil)
    }

    @Test("a NaN, a wrong shape, an unknown name and a type that is no float are errors on reading")
    func reading() throws {
        let scratch = try Scratch()
        let path = try file(
            #"{"i":{"dtype":"I32","shape":[1],"data_offsets":[0,4]},"#
                + #""w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
            data: 4,
            scratch
        )
        var bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
        bytes.append(integer: Float.nan.bitPattern)
        let file = try SafetensorsFile(path: try scratch.write(bytes, "y"))
        #expect(throws: CheckpointError.notFinite(file: file.path, name: "w")) { try file.values(of: "w") }
        #expect(throws: CheckpointError.wrongShape(file: file.path, name: "w", expected: [2], found: [1])) {
            try file.values(of: "w", shape: [2])
        }
        #expect(throws: CheckpointError.missingTensor(file: file.path, name: "x")) {
            try file.values(of: "x")
        }
        #expect(
            throws: CheckpointError.unsupportedType(
                file: file.path,
                name: "i",
                type: "I32",
                known: ["F32", "F16", "BF16"]
            )
        ) {
            try file.values(of: "i")
        }
    }
}
