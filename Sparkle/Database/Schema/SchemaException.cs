namespace PonyCloud.Sparkle.Database.Schema;

/// <summary>The schema of the database and the migrations of this binary do not go together. Trying again changes nothing.</summary>
public sealed class SchemaException(string message, Exception? inner = null) : Exception(message, inner);
