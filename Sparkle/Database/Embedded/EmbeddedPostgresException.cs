namespace PonyCloud.Sparkle.Database.Embedded;

/// <summary>The embedded server cannot be started or stopped; the message says why.</summary>
public sealed class EmbeddedPostgresException(string message, Exception? inner = null) : Exception(message, inner);
