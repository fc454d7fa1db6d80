package import Contract
internal import FoundationEssentials
package import Models
package import Tasks

/// A policy as files: `policy.json` says what it is for and how it is built, `adapter.safetensors` has its arrays. Whoever has
/// the folder can use the policy on any network.
package struct PolicyFolder {
    /// What it was trained for.
    package let environment: NetworkEnvironment
    /// How it is built.
    package let words: GraphPolicySettings
    /// What frozen maps beside low-rank factors were drawn from.
    package let seed: UInt64
    /// Whether the critic's last map stayed with the members, so that it is not among the arrays.
    package let hasLocalHead: Bool
    /// Its arrays.
    package let adapter: AdapterWeights

    private struct Description: Codable {
        static let current = "tributary-policy-1"
        var format = current
        var environment: NetworkEnvironment
        var model: GraphPolicySettings.ModelWords
        var adapter: GraphPolicySettings.AdapterWords
        var seed: UInt64
        var localCriticHead: Bool
    }

    /// Puts a policy together.
    package init(
        _ environment: NetworkEnvironment,
        _ words: GraphPolicySettings,
        seed: UInt64,
        hasLocalHead: Bool = false,
        _ adapter: AdapterWeights
    ) {
        self.environment = environment
        self.words = words
        self.seed = seed
        self.hasLocalHead = hasLocalHead
        self.adapter = adapter
    }

    /// Reads a folder.
    ///
    /// - Throws: `PolicyFault` naming the file; `CheckpointError` for arrays that cannot be read.
    package init(reading folder: String) throws {
        let path = folder + "/policy.json"
        guard let data = FileManager.default.contents(atPath: path) else {
            throw PolicyFault(path, "cannot be read; expected the folder of a policy on networks")
        }
        let found: Description
        do {
            found = try JSONDecoder().decode(Description.self, from: data)
        } catch {
            throw PolicyFault(path, "does not describe a policy on networks")
        }
        guard found.format == Description.current else {
            throw PolicyFault(path, "found the format '\(found.format)', expected '\(Description.current)'")
        }
        do {
            try found.environment.validate()
            try found.model.validate()
            try found.adapter.validate()
        } catch let fault as SettingsFault {
            throw PolicyFault(path, "'\(fault.key)': \(fault.reason)")
        }
        var words = GraphPolicySettings()
        (words.model, words.adapter) = (found.model, found.adapter)
        (environment, self.words, seed) = (found.environment, words, found.seed)
        hasLocalHead = found.localCriticHead
        adapter = AdapterWeights(try SafetensorsFile(path: folder + "/adapter.safetensors").arrays())
    }

    /// Writes the files.
    package func write(to folder: String) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try SafetensorsWriter.write(adapter.arrays, to: folder + "/adapter.safetensors")
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let description = Description(
            environment: environment,
            model: words.model,
            adapter: words.adapter,
            seed: seed,
            localCriticHead: hasLocalHead
        )
        try encoder.encode(description).write(to: URL(filePath: folder + "/policy.json"), options: .atomic)
    }

    /// What it was trained for, under other circumstances.
    ///
    /// - Parameter text: As `Circumstances` reads it.
    /// - Throws: `PolicyFault` for a number that the environment does not have, or one out of range.
    package func dynamics(under text: String) throws -> any NetworkDynamics {
        do throws(SettingsFault) {
            return try environment.dynamics.under(Circumstances(text: text))
        } catch {
            throw PolicyFault(
                "circumstances",
                error.key.isEmpty ? error.reason : "'\(error.key)': \(error.reason)"
            )
        }
    }

    /// The policy, ready to act.
    ///
    /// - Throws: `PolicyFault` for arrays of another shape.
    package func policy() throws -> GraphPolicy {
        let coding = StateCoding(environment.dynamics, words.model)
        let policy = try GraphPolicy(words, coding: coding, seed: seed, localHead: hasLocalHead)
        do {
            try policy.load(adapter)
        } catch {
            throw PolicyFault(
                "adapter.safetensors",
                "is not of the policy that policy.json describes: \(error)"
            )
        }
        return policy
    }
}

/// What is wrong with the files of a policy.
package struct PolicyFault: GivenFault, Equatable, CustomStringConvertible {
    /// The file.
    package let file: String
    /// What was found and what was expected.
    package let reason: String

    package var faultKind: FaultKind { .data }
    package var description: String { "\(file): \(reason)" }

    init(_ file: String, _ reason: String) {
        self.file = file
        self.reason = reason
    }
}
