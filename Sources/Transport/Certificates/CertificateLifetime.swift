package import FoundationEssentials

/// From when to when a certificate is valid.
package struct CertificateLifetime: Sendable, Hashable {
    /// The first moment.
    package var notBefore: Date
    /// The last moment.
    package var notAfter: Date

    /// Takes both moments as they are.
    package init(notBefore: Date, notAfter: Date) {
        self.notBefore = notBefore
        self.notAfter = notAfter
    }

    /// From five minutes before `now`, for clocks that are a little behind, to `days` after it.
    package init(now: Date, days: Int) {
        notBefore = now.addingTimeInterval(-300)
        notAfter = now.addingTimeInterval(Double(days) * 86_400)
    }

    /// Days that an authority and its revocation list are valid.
    package static let authorityDays = 3650
    /// Days that a coordinator's or client's certificate is valid unless told otherwise.
    package static let identityDays = 365
}
