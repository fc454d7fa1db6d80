internal import Contract
internal import Foundation
internal import Tasks

/// Data as a person names it on the command line: a file, or a data mapping as JSON, as in a topology. Relative paths start
/// from the working folder.
///
/// Full Foundation for `JSONEncoder`.
struct DataArgument {
    /// The mapping.
    let mapping: Mapping

    /// Reads the argument.
    ///
    /// - Throws: `ConfigurationError` for what begins like JSON and is none.
    init(_ text: String) throws {
        let json =
            text.hasPrefix("{")
            ? text : String(decoding: try JSONEncoder().encode(["path": text]), as: UTF8.self)
        mapping = try Mapping(json: Array(json.utf8), file: "data")
    }

    /// The source.
    func source() throws -> DataSource { try mapping.decode(DataSource.self) }

    /// The questions for a role.
    func questions(for role: DataSource.Role, seed: UInt64) throws -> [Question] {
        try naming { try source().questions(for: role, seed: seed) }
    }

    /// The conversations for a role; a question and its answer are one.
    func conversations(for role: DataSource.Role, seed: UInt64) throws -> [Conversation] {
        try naming { try source().conversations(for: role, seed: seed) }
    }

    private func naming<Items>(_ draw: () throws -> Items) throws -> Items {
        do {
            return try draw()
        } catch DrawError.invalid(let field, let found, let expected) {
            throw mapping.error(field, "found \(found), expected \(expected)")
        }
    }
}
