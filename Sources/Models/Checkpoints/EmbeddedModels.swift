internal import Glibc

/// The models that ship with the program, in the resource bundle of this module.
package enum EmbeddedModels {
    /// Their names.
    package static let names = ["tiny-arithmetic", "tiny-arithmetic-hard", "tiny-phases", "tiny-personas"]

    /// The bundle's directory, as SwiftPM names it.
    static let bundle = "tributary_Models.resources"

    /// The directory of a model: in the resource bundle beside the executable, or in `share/tributary` next
    /// to the executable's directory.
    ///
    /// The bundle is looked for from the running executable and never at the place of the build, so that the
    /// program finds its models wherever it was copied to.
    ///
    /// - Throws: `CheckpointError` that names every place looked at.
    package static func directory(of name: String) throws(CheckpointError) -> String {
        guard names.contains(name) else {
            throw .inaccessible(
                file: "embedded:\(name)",
                reason: "there is no such model; there are \(names.joined(separator: ", "))"
            )
        }
        guard let executable = executableDirectory() else {
            throw .inaccessible(file: "/proc/self/exe", reason: "does not tell where the program is")
        }
        return try directory(of: name, executableDirectory: executable)
    }

    /// The folder with the features of a layer of a model; nil where there is none.
    ///
    /// - Throws: `CheckpointError` as `directory(of:)` does.
    package static func features(of name: String, layer: Int) throws(CheckpointError) -> String? {
        let folder = try directory(of: name) + "/features/layer\(layer)"
        return access(folder, R_OK) == 0 ? folder : nil
    }

    static func directory(of name: String, executableDirectory: String) throws(CheckpointError) -> String {
        let places = [executableDirectory, "\(executableDirectory)/../share/tributary"]
            .map { "\($0)/\(bundle)/Resources/\(name)" }
        for place in places where access("\(place)/config.json", R_OK) == 0 { return place }
        throw .inaccessible(
            file: "embedded:\(name)",
            reason: "not found at \(places.joined(separator: " or ")); copy \(bundle) beside the executable"
        )
    }

    /// The directory of the running executable, symbolic links resolved.
    static func executableDirectory() -> String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        guard count > 0, count < buffer.count else { return nil }
        let path = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard let slash = path.lastIndex(of: "/") else { return nil }
        return String(path[..<slash])
    }
}
