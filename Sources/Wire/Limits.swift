internal import Contract

/// Every bound of the protocol, under the names and with the values of the limits table in
/// `protocol/SPEC.md`; a test compares the two.
///
/// Sizes are bytes. A value equal to its limit is allowed, one more is refused.
package enum Limits {
    // Frames
    /// The body of a control message.
    package static let controlBodyBytesMax = 65_536
    /// The body of a message that carries a manifest or a status.
    package static let offerBodyBytesMax = 262_144
    /// The bytes of a blob in one chunk: two seconds of a link of 256 kbit/s, so that what is urgent never
    /// waits longer and a connection that breaks loses no more.
    package static let chunkBytesMax = 65_536
    /// How deep protobuf messages may nest.
    package static let messageDepthMax = 5

    // Session
    /// The name of a federation or a client.
    package static let nodeNameBytesMax = 63
    /// The name of a trainer.
    package static let trainerNameBytesMax = 64
    /// A text for people: a software name, a reason, an error message.
    package static let textBytesMax = 1_024
    /// The parts of a fingerprint.
    package static let fingerprintPartsMax = 64
    /// The name or the value of a part of a fingerprint.
    package static let fingerprintBytesMax = 256
    /// The trainer settings in a welcome.
    package static let settingsBytesMax = 32_768
    /// The status in a report.
    package static let statusBytesMax = 196_608
    /// Digests of held-out items in a welcome.
    package static let heldOutBytesMax = 16_384
    /// Rounds in a run.
    package static let roundsMax = 1_000_000
    /// Steps in a round.
    package static let stepsMax = 1_000_000
    /// The longest heartbeat interval and the longest wait after a drain, in milliseconds.
    package static let intervalMsMax = 3_600_000
    /// The private examples behind one update.
    package static let examplesMax = 1_000_000_000_000
    /// Metrics in one message.
    package static let metricsMax = 256
    /// The name of a metric.
    package static let metricNameBytesMax = 128

    // Manifests and blobs
    /// Arrays in one manifest.
    package static let manifestEntriesMax = 2_048
    /// The name of an array.
    package static let arrayNameBytesMax = 256
    /// Dimensions of an array.
    package static let dimensionsMax = 4
    /// The size of one dimension.
    package static let dimensionMax = 16_777_216
    /// The raw bytes of an adapter or an update.
    package static let adapterRawBytesMax = 536_870_912
    /// The raw bytes of a public batch.
    package static let batchRawBytesMax = 16_777_216
    /// The raw bytes of a response set.
    package static let responsesRawBytesMax = ExchangeLimits.responsesRawBytesMax
    /// The raw bytes of a response pool.
    package static let poolRawBytesMax = 67_108_864
    /// The largest base-2 logarithm of a zstd window.
    package static let zstdWindowLogMax = 21

    // Payloads
    /// Items in one public batch.
    package static let itemsMax = ExchangeLimits.itemsMax
    /// K, the responses of one client to one item.
    package static let responsesPerItemMax = ExchangeLimits.responsesPerItemMax
    /// The responses in one response set, and the replacements in one pool.
    package static let responsesMax = ExchangeLimits.responsesMax
    /// The identifier or the topic of an item.
    package static let itemNameBytesMax = ExchangeLimits.itemNameBytesMax
    /// The payload of one item.
    package static let itemBytesMax = ExchangeLimits.itemBytesMax
    /// The payload of one response, or the target of one item.
    package static let responseBytesMax = ExchangeLimits.responseBytesMax
    /// What a pool says of all responses together.
    package static let mergedBytesMax = 8_388_608
}
