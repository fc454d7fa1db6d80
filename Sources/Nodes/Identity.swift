internal import Transport

extension PeerIdentity {
    /// Refuses an identity that is not the one this node needs.
    ///
    /// - Parameters:
    ///   - expected: Federation and role of the node.
    ///   - folder: Where the identity was read from, for the error.
    /// - Throws: `NodeError` naming both.
    func require(_ expected: PeerIdentity, folder: String) throws {
        guard uri == expected.uri else {
            throw NodeError(
                .configuration,
                "\(folder) holds the identity \(uri), expected \(expected.uri); use the folder that "
                    + "`tributary provision` made for this node"
            )
        }
    }
}
