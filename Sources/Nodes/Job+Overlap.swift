package import Contract
internal import Digest
internal import Glibc
internal import Topology
internal import Wire

/// Short digests of texts, by which hosts find items that they have in common without sending them.
///
/// Letter case and white space do not count. The federation's name is part of each, so that digests of one federation say
/// nothing in another. Whoever holds them can still tell whether a text that is guessed is among them: only the owner of the
/// held-out set gives them out, and nobody answers with what was found.
struct ItemDigests {
    /// Of a text, eight bytes.
    private let digests: Set<UInt64>
    private let federation: String

    init(of texts: [String], federation: String) {
        self.federation = federation
        digests = Set(texts.map { ItemDigests.digest(of: $0, federation) })
    }

    /// Reads what `bytes` wrote.
    init(bytes: [UInt8], federation: String) {
        self.federation = federation
        digests = Set(
            stride(from: 0, to: bytes.count - bytes.count % 8, by: 8).map { start in
                bytes[start..<start + 8].reduce(0) { $0 << 8 | UInt64($1) }
            }
        )
    }

    var count: Int { digests.count }

    /// The digests as they travel, in ascending order; the lowest ones, which are as good as a random sample, where there are
    /// more than a message holds.
    var bytes: [UInt8] {
        digests.sorted().prefix(Limits.heldOutBytesMax / 8).flatMap { digest in
            withUnsafeBytes(of: digest.bigEndian, Array.init)
        }
    }

    /// How many of these are digests of some texts.
    func count(among texts: [String]) -> Int {
        Set(texts.map { ItemDigests.digest(of: $0, federation) }).intersection(digests).count
    }

    private static func digest(of text: String, _ federation: String) -> UInt64 {
        let words = text.lowercased().split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return SHA256Digest(of: "\(federation)\n\(words)".utf8).bytes.prefix(8).reduce(0) {
            $0 << 8 | UInt64($1)
        }
    }
}

extension Job {
    /// How many held-out items are among the public ones and, where one host has everything, among the private ones.
    ///
    /// - Parameters:
    ///   - clients: The clients whose data are here.
    ///   - dataFiles: By client, a file that stands for its data.
    /// - Returns: nil for a trainer whose items are no texts.
    /// - Throws: `ConfigurationError` where a file is used for evaluation and for training too and shares items, which
    ///   nobody wants; what reading the data throws.
    package func overlap(
        clients: [String] = [],
        dataFiles: [String: String] = [:]
    ) throws -> HeldOutOverlap? {
        let texts = try entry.judgedTexts(coordinatorContext)
        guard !texts.heldOut.isEmpty else { return nil }
        let heldOut = ItemDigests(of: texts.heldOut, federation: topology.federation)
        var overlap = HeldOutOverlap(heldOut: heldOut.count, asked: heldOut.count(among: texts.asked))
        if let asked = overlap.asked, asked > 0 {
            try requireOther(try file(of: topology.publicData), "data.public", asked)
        }
        for name in clients {
            let context = try clientContext(name, dataFile: dataFiles[name])
            let count = heldOut.count(among: try entry.clientTexts(context))
            if count > 0 {
                try requireOther(try file(of: context.data), "the data of client '\(name)'", count)
            }
            overlap.clients[name] = count
        }
        return overlap
    }

    /// What a client finds of the coordinator's held-out items among its own; nil where there is nothing to compare.
    ///
    /// - Parameters:
    ///   - bytes: The digests that the coordinator sent.
    ///   - client: The client.
    ///   - dataFile: A file that stands for its data.
    func overlap(with bytes: [UInt8], client: String, dataFile: String?) throws -> HeldOutOverlap? {
        guard !bytes.isEmpty else { return nil }
        let heldOut = ItemDigests(bytes: bytes, federation: topology.federation)
        let texts = try entry.clientTexts(clientContext(client, dataFile: dataFile))
        guard !texts.isEmpty else { return nil }
        return HeldOutOverlap(heldOut: heldOut.count, clients: [client: heldOut.count(among: texts)])
    }

    /// The digests of the held-out items that clients compare theirs with; none for items that are no texts.
    func heldOutDigests() throws -> [UInt8] {
        ItemDigests(of: try entry.judgedTexts(coordinatorContext).heldOut, federation: topology.federation)
            .bytes
    }

    private struct FileWords: Decodable { var path: String? }

    /// The file that a data mapping names, as far as it names one.
    private func file(of data: Mapping) throws -> String? {
        try data.decodePart(FileWords.self).path.map { run(threads: 1).absolutePath($0) }
    }

    private func requireOther(_ file: String?, _ role: String, _ count: Int) throws {
        guard let file, let evaluated = try self.file(of: topology.evaluation),
            Self.isSameFile(file, evaluated)
        else { return }
        throw topology.evaluation.error(
            "path",
            "found \(file), which is \(role) as well: \(count) held-out items would be learnt from; expected "
                + "'reserve: true' in every mapping that names the file, which keeps a fifth of it for evaluation, or a file "
                + "of its own"
        )
    }

    /// Whether two paths lead to one file, by whatever names and links.
    private static func isSameFile(_ first: String, _ second: String) -> Bool {
        var (one, other) = (stat(), stat())
        guard stat(first, &one) == 0, stat(second, &other) == 0 else { return first == second }
        return one.st_dev == other.st_dev && one.st_ino == other.st_ino
    }
}
