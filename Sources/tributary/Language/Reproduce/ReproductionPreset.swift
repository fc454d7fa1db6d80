internal import Topology

/// The settings that a reproduction runs in: a base model and how far apart the clients' data are.
enum ReproductionPreset: String, CaseIterable, Sendable {
    /// A base that is right a quarter of the time; 95 % of a client's questions are of its own family.
    case `default`
    /// A base that is seldom right; a client has questions of its own family alone.
    case hard

    /// The topology that all methods start from: three rounds of 60 steps.
    ///
    /// - Throws: `ConfigurationError`, which would be a fault of this file.
    func topology() throws -> Topology {
        try Topology.parse(yaml, file: "preset \(rawValue)", folder: "/")
    }

    private var yaml: String {
        """
        federation: pubswap-\(rawValue)
        model:
          embedded: \(self == .hard ? "tiny-arithmetic-hard" : "tiny-arithmetic")
        adapter:
          rank: 8
          alpha: 16
        trainer:
          name: rlvr
          settings:
            samplesPerPrompt: 8
            promptsPerStep: 16
            publicPromptsPerStep: 16
            temperature: 1
            maxTokens: 5
            optimiser:
              learningRate: 3e-3
              beta1: 0.9
              beta2: 0.95
              weightDecay: 0
              clipNorm: 1
              resetAtSync: true
            evaluation:
              method: expected
              itemsPerTopic: 200
        data:
          members: [inc, dec, max, sort]
          clients: &draw
            families: [inc, dec, max, sort]
            clients: 4
            privateCount: 400
            ownFraction: \(self == .hard ? "1" : "0.95")
            publicPerFamily: 64
            heldOutPerFamily: 200
          public: *draw
          evaluation: *draw
        rounds:
          count: 3
          steps: 60
          localPerPublic: 2
        clients:
          - name: inc
          - name: dec
          - name: max
          - name: sort
        """
    }
}
