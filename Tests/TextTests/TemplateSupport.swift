import Foundation
import Testing

@testable import Text

/// What Fixtures/make_templates.py rendered with transformers.
struct TemplateGoldens {
    /// A template with the text that it gives, or the word that it gives none.
    struct Row: Decodable {
        var template: String
        var text: String?
    }

    struct Family: Decodable {
        struct Case: Decodable {
            var name: String
            var tools: Bool
            var opens: Bool
            var more: [String: Tagged]
            var text: String?
        }

        var family: String
        var template: String
        var cases: [Case]
    }

    private struct Given: Decodable {
        var conversations: [String: Tagged]
        var tools: Tagged
        var data: Tagged
    }

    private struct Rows: Decodable { var rows: [Row] }

    let conversations: [String: TemplateValue]
    let tools: TemplateValue
    let data: [String: TemplateValue]
    let rows: [Row]
    let families: [Family]

    static func read() throws -> TemplateGoldens {
        let lines = try Fixture.bytes("templates.jsonl").split(separator: UInt8(ascii: "\n")).map { Data($0) }
        let given = try JSONDecoder().decode(Given.self, from: lines[0])
        guard case .mapping(let data) = given.data.value else { throw TemplateFault.notData }
        return TemplateGoldens(
            conversations: given.conversations.mapValues(\.value),
            tools: given.tools.value,
            data: Dictionary(
                uniqueKeysWithValues: zip(data.keys, data.values).map { ($0.asText?.string ?? "", $1) }
            ),
            rows: try JSONDecoder().decode(Rows.self, from: lines[1]).rows,
            families: try lines[2...].map { try JSONDecoder().decode(Family.self, from: $0) }
        )
    }

    /// The variables of a family's case.
    func variables(_ given: Family.Case) -> [String: TemplateValue] {
        var variables = given.more.mapValues(\.value)
        variables["messages"] = conversations[given.name]
        variables["tools"] = given.tools ? tools : TemplateValue.none
        if variables["documents"] == nil { variables["documents"] = TemplateValue.none }
        variables["add_generation_prompt"] = .boolean(given.opens)
        variables["bos_token"] = .string("<s>")
        variables["eos_token"] = .string("</s>")
        return variables
    }
}

/// A value with its type, texts marked as a conversation's.
struct Tagged: Decodable {
    var value: TemplateValue

    private enum Kind: String, CodingKey { case s, i, f, b, l, d }

    init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: Kind.self)
        switch keys.allKeys.first {
        case .s: value = .text(TemplateText(try keys.decode(String.self, forKey: .s), isMarked: true))
        case .i: value = .integer(try keys.decode(Int.self, forKey: .i))
        case .f: value = .number(try keys.decode(Double.self, forKey: .f))
        case .b: value = .boolean(try keys.decode(Bool.self, forKey: .b))
        case .l: value = .list(try keys.decode([Tagged].self, forKey: .l).map(\.value))
        case .d:
            var mapping = TemplateMapping()
            for pair in try keys.decode([[Tagged]].self, forKey: .d) {
                _ = mapping.set(pair[1].value, for: pair[0].value)
            }
            value = .mapping(mapping)
        case nil: value = .none
        }
    }
}

extension TemplateFault {
    static let notData = TemplateFault(kind: .failed, line: 0, found: "no mapping", expected: "data")

    /// Renders a template.
    static func render(
        _ template: String,
        _ variables: [String: TemplateValue] = [:],
        workMax: Int = TemplateRenderer.workMax
    ) throws(TemplateFault) -> TemplateText {
        let statements = try TemplateParser.parse(template)
        return try TemplateRenderer(date: .standard, workMax: workMax).render(statements, variables).text
    }
}
