// Stands in for a package that matrix-bot-sdk 0.8 asks for and never loads; the real one wants the deprecated `request` as its peer.
module.exports = {}
