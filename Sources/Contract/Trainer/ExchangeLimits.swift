/// What may travel in a public step: settings and data are checked against these where they are read, so that nothing
/// that was accepted fails at the first exchange.
///
/// The protocol has the same limits under the same names; a test compares them.
package enum ExchangeLimits {
    /// Items in one public batch.
    package static let itemsMax = 4_096
    /// K, the responses of one client to one item.
    package static let responsesPerItemMax = 256
    /// The responses of one client to a batch.
    package static let responsesMax = 65_536
    /// The bytes of all responses of one client to a batch.
    package static let responsesRawBytesMax = 67_108_864
    /// The bytes of one response.
    package static let responseBytesMax = 8_388_608
    /// The bytes of an item's identifier or topic.
    package static let itemNameBytesMax = 256
    /// The bytes of one item.
    package static let itemBytesMax = 1_048_576
}
