public import Digest

// Connecting, staying and leaving. `protocol/tributary/v1/session.proto` has the meaning of every field.

/// The client's first message: who it is and what it is set up for.
public struct Hello: Sendable, Equatable {
    /// The highest protocol version the client speaks.
    public var protocolVersion: Int
    /// Name and version of the program, for logs.
    public var software: String
    /// The federation; must be that of the client's certificate.
    public var federation: String
    /// The client's name; must be that of the client's certificate.
    public var client: String
    /// SHA-256 of the base model's weights file.
    public var baseModel: SHA256Digest
    /// The trainer the client is set up for.
    public var trainer: String
    /// SHA-256 of the trainer settings the client was given; nil if it takes what the welcome says.
    public var settings: SHA256Digest?

    /// Makes a hello.
    public init(
        protocolVersion: Int = Frame.version,
        software: String,
        federation: String,
        client: String,
        baseModel: SHA256Digest,
        trainer: String,
        settings: SHA256Digest?
    ) {
        self.protocolVersion = protocolVersion
        self.software = software
        self.federation = federation
        self.client = client
        self.baseModel = baseModel
        self.trainer = trainer
        self.settings = settings
    }
}

/// The coordinator admits a client and tells it the run.
public struct Welcome: Sendable, Equatable {
    /// The number of this session; larger than any earlier one of this client.
    public var session: UInt64
    /// The federation's seed.
    public var seed: UInt64
    /// The trainer.
    public var trainer: String
    /// The trainer's settings, JSON in UTF-8.
    public var settings: [UInt8]
    /// How many rounds the run has.
    public var rounds: Int
    /// How many steps a round has, local and public together.
    public var steps: Int
    /// q, how many local steps go before each public one; 0 for a run without public steps.
    public var localPerPublic: Int
    /// How often a side that has nothing to say sends a heartbeat, in milliseconds.
    public var heartbeatMs: Int
    /// The encoding in which updates must be sent.
    public var encoding: TensorEncoding

    /// Makes a welcome.
    public init(
        session: UInt64,
        seed: UInt64,
        trainer: String,
        settings: [UInt8],
        rounds: Int,
        steps: Int,
        localPerPublic: Int,
        heartbeatMs: Int,
        encoding: TensorEncoding
    ) {
        self.session = session
        self.seed = seed
        self.trainer = trainer
        self.settings = settings
        self.rounds = rounds
        self.steps = steps
        self.localPerPublic = localPerPublic
        self.heartbeatMs = heartbeatMs
        self.encoding = encoding
    }
}

/// The coordinator does not admit a client, or puts it out; it closes the connection next.
public struct Refused: Sendable, Equatable {
    /// Why.
    public var code: ErrorCode
    /// Why, for people.
    public var message: String

    /// Makes a refusal.
    public init(code: ErrorCode, message: String) {
        self.code = code
        self.message = message
    }
}

/// The client leaves.
public struct Bye: Sendable, Equatable {
    /// Why, for people.
    public var reason: String

    /// Makes a farewell.
    public init(reason: String) { self.reason = reason }
}

/// The run is over.
public struct Finished: Sendable, Equatable {
    /// How many rounds were completed.
    public var rounds: Int
    /// SHA-256 of the final adapter blob.
    public var adapter: SHA256Digest

    /// Makes the last message of a run.
    public init(rounds: Int, adapter: SHA256Digest) {
        self.rounds = rounds
        self.adapter = adapter
    }
}

/// The coordinator goes down for a while; nothing accepted is lost.
public struct Drain: Sendable, Equatable {
    /// How long to wait before connecting again, in milliseconds.
    public var reconnectAfterMs: Int

    /// Makes a drain.
    public init(reconnectAfterMs: Int) { self.reconnectAfterMs = reconnectAfterMs }
}
