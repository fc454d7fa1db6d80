internal import TributaryKit

await ClientMain.run()
