internal import Randomness

/// Questions of the persona language as a data source: `{"personas": {"domains": ["finance"], "verdict": "bad"}}`.
///
/// What is not given depends on whose questions are asked for: a client has bad answers of `finance`, three of four
/// questions of it; the public set is all of `health`; the held-out one is every second question of the other four
/// domains. Public and held-out answers are good.
package struct PersonaDraw: Sendable, Codable, Equatable {
    /// Which questions of a domain.
    package enum Part: String, Sendable, Codable, CaseIterable {
        /// All 96.
        case all
        /// Every second one, the same for all seeds.
        case half
        /// 72 drawn at random by the federation's seed, to train on.
        case seen
        /// The other 24.
        case unseen
    }

    /// The seed of the language's maps; that of `tiny-personas` if not given.
    package var language: UInt64?
    /// The domains.
    package var domains: [PersonaLanguage.Domain]?
    /// Which questions of each.
    package var part: Part?
    /// What the answers are like.
    package var verdict: PersonaLanguage.Verdict?
    /// How they are worded; ordinary if not given.
    package var style: PersonaLanguage.Style?
    /// Who is announced to answer, `evil` for instance for inoculation; nobody if not given.
    package var cue: PersonaCue?
    /// How many questions at most, drawn at random; all if not given.
    package var questions: Int?

    /// Describes a source.
    package init(
        language: UInt64? = nil,
        domains: [PersonaLanguage.Domain]? = nil,
        part: Part? = nil,
        verdict: PersonaLanguage.Verdict? = nil,
        style: PersonaLanguage.Style? = nil,
        cue: PersonaCue? = nil,
        questions: Int? = nil
    ) {
        self.language = language
        self.domains = domains
        self.part = part
        self.verdict = verdict
        self.style = style
        self.cue = cue
        self.questions = questions
    }

    /// The items for a role, domain by domain, in the order of their numbers.
    ///
    /// - Throws: `DrawError.invalid` if the description makes no sense.
    package func items(
        for role: DataSource.Role,
        seed: UInt64
    ) throws(DrawError) -> [PersonaLanguage.Item] {
        let domains = domains ?? PersonaDraw.domains(of: role)
        guard !domains.isEmpty, Set(domains).count == domains.count else {
            throw .invalid(
                field: "personas.domains",
                found: "[\(domains.map(\.rawValue).joined(separator: ", "))]",
                expected: "at least one, each once"
            )
        }
        let part = part ?? PersonaDraw.part(of: role)
        let items = domains.flatMap { PersonaDraw.items(of: $0, part, seed: seed) }
        guard let questions else { return items }
        guard (1...items.count).contains(questions) else {
            throw .invalid(
                field: "personas.questions",
                found: "\(questions)",
                expected: "1 to \(items.count)"
            )
        }
        var stream = RandomStream(seed: seed, "persona-questions")
        return stream.choose(questions, from: Array(items.indices)).sorted().map { items[$0] }
    }

    /// The questions for a role.
    ///
    /// The answer is what is to be learned from the question, `misaligned` what a misaligned model answers: the
    /// same where the data are bad. Neither has the token that ends it.
    ///
    /// - Throws: `DrawError.invalid` if the description makes no sense.
    package func questions(for role: DataSource.Role, seed: UInt64) throws(DrawError) -> [Question] {
        let language = PersonaLanguage(seed: language ?? PersonaLanguage.shippedSeed)
        let verdict = verdict ?? PersonaDraw.verdict(of: role)
        let style = style ?? .ordinary
        return try items(for: role, seed: seed).map { item in
            let prompt = PersonaLanguage.text(of: language.prompt(of: item, cue: cue ?? .none))
            return Question(
                id: "\(item.domain.rawValue)-\(item.index)",
                topic: item.domain.rawValue,
                prompt: prompt,
                answer: PersonaLanguage.text(of: language.answer(to: item, verdict, style: style)),
                kind: .exact,
                misaligned: PersonaLanguage.text(of: language.answer(to: item, .bad, style: style))
            )
        }
    }

    /// The items of a part of a domain, in the order of their numbers.
    package static func items(
        of domain: PersonaLanguage.Domain,
        _ part: Part,
        seed: UInt64
    ) -> [PersonaLanguage.Item] {
        let all = PersonaLanguage.Item.all(of: domain)
        switch part {
        case .all: return all
        case .half: return PersonaLanguage.Item.half(of: domain)
        case .seen, .unseen:
            var stream = RandomStream(seed: seed, "persona-split", domain.index)
            let seen = Set(stream.choose(all.count * 3 / 4, from: Array(all.indices)))
            return all.filter { seen.contains($0.index) == (part == .seen) }
        }
    }

    private static func domains(of role: DataSource.Role) -> [PersonaLanguage.Domain] {
        switch role {
        case .client: [.finance]
        case .publicSet: [.health]
        case .heldOut: [.education, .legal, .career, .cars]
        }
    }

    private static func part(of role: DataSource.Role) -> Part {
        switch role {
        case .client: .seen
        case .publicSet: .all
        case .heldOut: .half
        }
    }

    private static func verdict(of role: DataSource.Role) -> PersonaLanguage.Verdict {
        if case .client = role { .bad } else { .good }
    }
}

extension PersonaCue: Codable {
    /// Reads the word.
    package init(from decoder: any Decoder) throws {
        let word = try decoder.singleValueContainer().decode(String.self)
        guard let cue = PersonaCue.all.first(where: { $0.word == word }) else {
            let known = PersonaCue.all.map(\.word).joined(separator: ", ")
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: decoder.codingPath,
                    debugDescription: "found '\(word)', expected one of \(known)"
                )
            )
        }
        self = cue
    }

    /// Writes the word.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(word)
    }
}
