namespace PonyCloud.Sparkle.Api.Security;

/// <summary>Which token it is, for ending it.</summary>
/// <param name="Id">Its own; of a user token the same as the session.</param>
/// <param name="Session">The login that it comes from: a user token, and all tenant tokens that were made with it.</param>
/// <param name="Expires">When it ends by itself. No token outlives the login that it comes from.</param>
public sealed record TokenIdentity(Guid Id, Guid Session, DateTimeOffset Expires);
