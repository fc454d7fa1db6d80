internal import Contract
internal import Yams

/// The one place that calls the YAML parser; its errors become the topology's.
enum YAMLDocument {
    /// A topology is a page or two; anything longer is some other file.
    static let bytesMax = 1 << 20

    /// The root node of a text that holds one document; nil if it is empty.
    static func root(of yaml: String, file: String) throws(ConfigurationError) -> Node? {
        guard yaml.utf8.count <= bytesMax else {
            throw failure(file, nil, "\(yaml.utf8.count) bytes, expected at most \(bytesMax)")
        }
        do {
            return try compose(yaml: yaml)
        } catch let error as YamlError {
            throw translate(error, file: file)
        } catch {
            throw failure(file, nil, "not YAML: \(FaultText.sentence(error))")
        }
    }

    private static func translate(_ error: YamlError, file: String) -> ConfigurationError {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            failure(file, mark.line, "not YAML: \(problem)")
        case .duplicatedKeysInMapping(let duplicates, let context):
            failure(
                file,
                context.mark.line,
                "written twice in one mapping: "
                    + duplicates.sorted().map { "'\($0)'" }.joined(separator: ", ")
            )
        case .reader(let problem, let offset, _, _):
            failure(file, nil, "not YAML: \(problem) at byte \(offset ?? 0)")
        case .dataCouldNotBeDecoded: failure(file, nil, "not YAML: no text in UTF-8")
        case .no, .memory, .writer, .emitter, .representer: failure(file, nil, "not YAML")
        }
    }

    private static func failure(_ file: String, _ line: Int?, _ message: String) -> ConfigurationError {
        ConfigurationError(file: file, problems: [.init(line: line, key: "", message: message)])
    }
}

extension Node {
    /// The line of a node, from 1, where the parser knows it.
    var line: Int? { mark?.line }

    /// What an error message says was found.
    var found: String {
        switch self {
        case .scalar(let scalar): "'\(scalar.string.prefix(60))'"
        case .mapping: "a mapping"
        case .sequence: "a list"
        case .alias: "an alias"
        }
    }

    /// The value of a scalar; quoted ones are texts whatever they look like.
    var scalarValue: PlainValue? {
        guard case .scalar(let scalar) = self else { return nil }
        return scalar.style == .plain || scalar.style == .any
            ? ScalarText.resolve(scalar.string) : .text(scalar.string)
    }
}
