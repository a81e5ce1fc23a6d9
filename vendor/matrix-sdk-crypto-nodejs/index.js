// Stands in for the native package, whose install step downloads a binary from the internet. matrix-bot-sdk 0.8 only
// touches these names when end-to-end encryption is switched on, which kube-agent does not do yet.
module.exports = {}
