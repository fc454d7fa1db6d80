internal import FoundationEssentials
internal import Logging
internal import Synchronization
internal import Transport

/// Looks after a program's certificate while it runs: waits for one that is valid, takes over new files, and
/// tells people weeks before something ends.
final class IdentityKeeper: Sendable {
    private let context: TLSContext
    private let logger: Logger
    /// How often the files and the clock are looked at.
    private let interval: Duration
    /// Days (since 1970) on which an end was told already.
    private let told = Mutex<[Expiry: Int]>([:])
    /// Called when the files were reread.
    private let reread: @Sendable () -> Void

    init(
        _ context: TLSContext,
        logger: Logger,
        interval: Duration = .seconds(30),
        reread: @escaping @Sendable () -> Void = {}
    ) {
        self.context = context
        self.logger = logger
        self.interval = interval
        self.reread = reread
    }

    /// Returns once the certificate is valid: a clock that is wrong at boot is set soon, and a certificate
    /// that has ended is renewed. False if `isStopping` before.
    func waitUntilValid(isStopping: () -> Bool) async throws -> Bool {
        var patience = 0
        while let fault = context.timeFault(at: Date()) {
            if isStopping() { return false }
            if patience == 0 {
                logger.error(
                    "waiting until the certificate is valid",
                    metadata: ["reason": "\(fault.message)", "fix": "\(fault.fix)"]
                )
            }
            // Said again once an hour, looked at much more often.
            patience = (patience + 1) % 3_600
            try await Task.sleep(for: min(interval, .seconds(1)))
            if context.hasChanged { reload(checksTime: false) }
        }
        return !isStopping()
    }

    /// Watches until it is cancelled.
    func watch() async {
        while true {
            tell(context.expiries)
            guard (try? await Task.sleep(for: interval)) != nil else { return }
            if context.hasChanged { reload() }
        }
    }

    /// Rereads certificate and revocation list; on an error the old ones hold.
    func reload(checksTime: Bool = true) {
        do {
            try context.reload(now: Date(), checksTime: checksTime)
            logger.info(
                "certificate and revocation list reread",
                metadata: ["notAfter": "\(IdentityKeeper.text(context.identity.notAfter))"]
            )
            reread()
        } catch {
            logger.error(
                "certificate and revocation list were not reread; the old ones hold",
                metadata: ["reason": "\(error)"]
            )
        }
    }

    /// Tells of what ends soon, once a day for each.
    func tell(_ expiries: [Expiry]) {
        let now = Date()
        let today = Int((now.timeIntervalSince1970 / 86_400).rounded(.down))
        for expiry in expiries where expiry.isDue(at: now) {
            guard told.withLock({ $0.updateValue(today, forKey: expiry) }) != today else { continue }
            let days = Int((expiry.notAfter.timeIntervalSince(now) / 86_400).rounded(.down))
            logger.warning(
                days < 0 ? "a certificate has expired" : "a certificate expires soon",
                metadata: [
                    "of": "\(expiry.name)", "notAfter": "\(IdentityKeeper.text(expiry.notAfter))",
                    "daysLeft": "\(max(0, days))",
                    "fix": "run `tributary provision` with --renew and hand the new files over",
                ]
            )
        }
    }

    /// Until when this program and its peers are certified. Tells people of peers' certificates that end soon.
    func certificates(with peers: [PeerIdentity]) -> RunStatus.Certificates {
        let theirs = peers.compactMap { peer in
            peer.notAfter.map { Expiry(name: peer.shortName, notAfter: $0) }
        }
        tell(theirs)
        let now = Date()
        let all = context.expiries + theirs
        func texts(_ expiries: [Expiry]) -> [RunStatus.Expiry] {
            expiries.map { RunStatus.Expiry(name: $0.name, notAfter: IdentityKeeper.text($0.notAfter)) }
        }
        return RunStatus.Certificates(all: texts(all), due: texts(all.filter { $0.isDue(at: now) }))
    }

    private static func text(_ time: Date) -> String { time.formatted(.iso8601) }
}
