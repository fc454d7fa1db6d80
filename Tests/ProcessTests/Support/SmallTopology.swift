import Foundation
import Testing

/// A federation that is over in two seconds: three clients, the smallest model, two rounds of six steps.
struct SmallTopology {
    static let clients = ["inc", "dec", "max"]

    var federation = "small"
    var host = "127.0.0.1"
    var port = FreePort.find()
    var model = "embedded: tiny-arithmetic"
    var rounds = 2
    /// Slept after each local step by the client `max`, so that the others have to wait for it.
    var delayMs = 0
    var seed = 1
    /// More lines of `trainer.settings`.
    var settings: [String] = []
    /// Whether who divides the data is written down, which a client that is added later would have to be among.
    var listsMembers = true
    /// A client with questions of its own that is listed besides the three; nobody divides data with it.
    var newcomer: String?
    /// Whether macrostates are learnt in place of answers.
    var isRET = false

    private var learning: String {
        guard isRET else { return rlvr }
        return """
            trainer:
              name: ret
              settings:
                layers: [1]
                groups: 3
                publicTextsPerStep: 4
                updatesPerStep: 3
                shape: {windows: [2], hidden: [16], outputs: 4, predictorHidden: [16]}
                learning: {horizon: {from: 1, to: 2}, batchSize: 64}
            """
    }

    private var rlvr: String {
        """
        adapter:
          rank: 2
          alpha: 4
          targets: [q_proj, v_proj]
        trainer:
          name: rlvr
          settings:
            samplesPerPrompt: 4
            promptsPerStep: 4
            publicPromptsPerStep: 4
            maxTokens: 5
            optimiser:
              learningRate: 1e-2
            evaluation:
              method: expected
              itemsPerTopic: 10
        \(settings.map { "    \($0)" }.joined(separator: "\n"))
        """
    }

    var text: String {
        """
        federation: \(federation)
        seed: \(seed)
        coordinator:
          host: \(host)
          port: \(port)
        model:
          \(model)
        \(learning)
        data:
          \(listsMembers ? "members: [inc, dec, max]" : "")
          clients: &draw
            families: [inc, dec, max]
            clients: 3
            privateCount: 40
            ownFraction: 0.95
            publicPerFamily: 16
            heldOutPerFamily: 20
          public: *draw
          evaluation: *draw
        rounds:
          count: \(rounds)
          steps: 6
          localPerPublic: 2
        clients:
          - name: inc
          - name: dec
          - name: max
            delay: \(delayMs)ms
        \(newcomer.map { "  - name: \($0)\n    data: {path: questions.jsonl}" } ?? "")
        """
    }
}

/// A TCP port of the loopback interface that nobody listens on.
enum FreePort {
    static func find() -> Int {
        let (descriptor, port) = occupy()
        close(descriptor)
        return port
    }

    /// A listening socket on a port; the caller closes it.
    static func occupy(_ port: Int) throws -> Int32 {
        let (descriptor, found) = occupy(wanted: UInt16(port))
        try #require(found == port)
        return descriptor
    }

    /// A listening socket and its port; the caller closes it.
    static func occupy(wanted: UInt16 = 0) -> (descriptor: Int32, port: Int) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        address.sin_port = wanted.bigEndian
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let done = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, length) == 0 && listen(descriptor, 1) == 0
                    && getsockname(descriptor, address, &length) == 0
            }
        }
        precondition(done, "no free port")
        return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
    }
}
