/// A model in GGUF: one file, or the parts that a large one was split into (`…-00001-of-00003.gguf`), opened by the
/// first.
package struct GGUFCheckpoint: TensorSource {
    /// The most parts.
    static let partsMax = 512

    /// The path it was opened with.
    package let path: String
    /// The metadata, all of which is in the first part.
    package let metadata: [String: GGUFValue]
    private let parts: [GGUFFile]
    /// By tensor, its part.
    private let places: [String: Int]

    /// Opens a file and its other parts, and checks them against each other: their numbers, the count of tensors, no
    /// tensor twice, no metadata of their own.
    package init(path: String) throws(CheckpointError) {
        let first = try GGUFFile(path: path)
        self.path = path
        metadata = first.metadata
        var parts = [first]
        let count = try metadata.integer(Self.countKey, or: 1, file: path)
        guard count <= Self.partsMax else {
            throw .overLimit(
                file: path,
                what: Self.countKey,
                value: UInt64(count),
                limit: UInt64(Self.partsMax)
            )
        }
        let number = try metadata.integer(Self.numberKey, or: 0, file: path)
        guard number == 0 else {
            throw .badKey(
                file: path,
                key: Self.numberKey,
                detail: "this is part \(number + 1) of a split model; its first part is what is opened"
            )
        }
        if count > 1 {
            for number in 1..<count {
                let other = try GGUFFile(path: try Self.path(ofPart: number, of: count, first: path))
                try Self.check(other, number: number, against: metadata)
                parts.append(other)
            }
        }
        self.parts = parts
        places = try Self.places(in: parts)
        let tensors = try metadata.integer(Self.tensorsKey, or: places.count, file: path)
        guard tensors == places.count else {
            throw .badKey(
                file: path,
                key: Self.tensorsKey,
                detail: "\(tensors), but there are \(places.count) in \(parts.count) files"
            )
        }
    }

    package var files: [ReadableFile] { parts.flatMap(\.files) }

    package var names: [String] { places.keys.sorted() }

    package func tensor(_ name: String) -> StoredTensor? { places[name].flatMap { parts[$0].tensor(name) } }

    package func shape(of name: String) -> [Int]? { places[name].flatMap { parts[$0].shape(of: name) } }

    private static let numberKey = "split.no"
    private static let countKey = "split.count"
    private static let tensorsKey = "split.tensors.count"

    /// The path of a part, counted from 0, beside the first.
    private static func path(ofPart number: Int, of count: Int, first: String) throws(CheckpointError)
        -> String
    {
        func digits(_ number: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, 5 - text.count)) + text
        }
        let ending = "-\(digits(1))-of-\(digits(count)).gguf"
        guard first.hasSuffix(ending) else {
            throw .badKey(
                file: first,
                key: countKey,
                detail: "\(count), but the first of so many files has a name that ends in \(ending)"
            )
        }
        return first.dropLast(ending.count) + "-\(digits(number + 1))-of-\(digits(count)).gguf"
    }

    private static func check(
        _ part: GGUFFile,
        number: Int,
        against metadata: [String: GGUFValue]
    ) throws(CheckpointError) {
        for (key, value) in part.metadata.sorted(by: { $0.key < $1.key }) {
            let expected = key == numberKey ? .integer(Int64(number)) : metadata[key]
            guard value == expected else {
                throw .badKey(
                    file: part.path,
                    key: key,
                    detail: "is not what the first part of the model says"
                )
            }
        }
        for key in [numberKey, countKey] where part.metadata[key] == nil {
            throw .badKey(file: part.path, key: key, detail: "is missing")
        }
    }

    private static func places(in parts: [GGUFFile]) throws(CheckpointError) -> [String: Int] {
        var places: [String: Int] = [:]
        for (index, part) in parts.enumerated() {
            for name in part.names {
                if let other = places.updateValue(index, forKey: name) {
                    throw .malformed(
                        file: part.path,
                        offset: nil,
                        detail: "tensor '\(name)' is also in \(parts[other].path)"
                    )
                }
            }
        }
        return places
    }
}
