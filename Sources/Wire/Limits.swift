/// Every bound of the protocol, under the names and with the values of the limits table in
/// `protocol/SPEC.md`; a test compares the two.
///
/// Sizes are bytes. A value equal to its limit is allowed, one more is refused.
public enum Limits {
    // Frames
    /// The body of a control message.
    public static let controlBodyBytesMax = 65_536
    /// The body of a message that carries a manifest.
    public static let offerBodyBytesMax = 262_144
    /// The bytes of a blob in one chunk.
    public static let chunkBytesMax = 1_048_576
    /// How many chunks a sender may hand to its transport before the first of them has left.
    public static let inFlightChunksMax = 8
    /// How deep protobuf messages may nest.
    public static let messageDepthMax = 5

    // Session
    /// The name of a client, federation or trainer.
    public static let nodeNameBytesMax = 64
    /// A text for people: a software name, a reason, an error message.
    public static let textBytesMax = 1_024
    /// The trainer settings in a welcome.
    public static let settingsBytesMax = 32_768
    /// Rounds in a run.
    public static let roundsMax = 1_000_000
    /// Steps in a round.
    public static let stepsMax = 1_000_000
    /// The longest heartbeat interval and the longest wait after a drain, in milliseconds.
    public static let intervalMsMax = 3_600_000
    /// The private examples behind one update.
    public static let examplesMax = 1_000_000_000_000
    /// Metrics in one message.
    public static let metricsMax = 256
    /// The name of a metric.
    public static let metricNameBytesMax = 128

    // Manifests and blobs
    /// Arrays in one manifest.
    public static let manifestEntriesMax = 2_048
    /// The name of an array.
    public static let arrayNameBytesMax = 256
    /// Dimensions of an array.
    public static let dimensionsMax = 4
    /// The size of one dimension.
    public static let dimensionMax = 16_777_216
    /// The raw bytes of an adapter or an update.
    public static let adapterRawBytesMax = 536_870_912
    /// The raw bytes of a public batch.
    public static let batchRawBytesMax = 16_777_216
    /// The raw bytes of a response set.
    public static let responsesRawBytesMax = 67_108_864
    /// The raw bytes of a response pool.
    public static let poolRawBytesMax = 67_108_864
    /// The largest base-2 logarithm of a zstd window.
    public static let zstdWindowLogMax = 21

    // Payloads
    /// Items in one public batch.
    public static let itemsMax = 4_096
    /// K, the responses of one client to one item.
    public static let responsesPerItemMax = 256
    /// The responses in one response set, and the replacements in one pool.
    public static let responsesMax = 65_536
    /// The identifier or the topic of an item.
    public static let itemNameBytesMax = 256
    /// The payload of one item.
    public static let itemBytesMax = 65_536
    /// The payload of one response: 16,384 token ids of four bytes.
    public static let responseBytesMax = 65_536
}
