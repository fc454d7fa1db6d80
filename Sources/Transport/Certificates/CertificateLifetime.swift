public import FoundationEssentials

/// From when to when a certificate is valid.
public struct CertificateLifetime: Sendable, Hashable {
    /// The first moment.
    public var notBefore: Date
    /// The last moment.
    public var notAfter: Date

    /// Takes both moments as they are.
    public init(notBefore: Date, notAfter: Date) {
        self.notBefore = notBefore
        self.notAfter = notAfter
    }

    /// From five minutes before `now`, for clocks that are a little behind, to `days` after it.
    public init(now: Date, days: Int) {
        notBefore = now.addingTimeInterval(-300)
        notAfter = now.addingTimeInterval(Double(days) * 86_400)
    }

    /// Days that an authority and its revocation list are valid.
    public static let authorityDays = 3650
    /// Days that a coordinator's or client's certificate is valid unless told otherwise.
    public static let identityDays = 365
}
