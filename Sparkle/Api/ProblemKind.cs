namespace PonyCloud.Sparkle.Api;

/// <summary>A kind of problem, as a client's program tells them apart. The type of each never changes.</summary>
public sealed record ProblemKind(string Name, int Status, string Title)
{
    public static readonly ProblemKind MalformedJson = new("malformed-json", 400, "The request body is not valid JSON");
    public static readonly ProblemKind MalformedPatch = new("malformed-patch", 400, "The patch is malformed");
    public static readonly ProblemKind MalformedRequest = new("malformed-request", 400, "The request cannot be understood");
    public static readonly ProblemKind UnknownParameter = new("unknown-parameter", 400, "Unknown query parameter");
    public static readonly ProblemKind BadParameter = new("bad-parameter", 400, "A query parameter has a value that it cannot have");
    public static readonly ProblemKind Unauthenticated = new("unauthenticated", 401, "Not logged in");
    public static readonly ProblemKind Forbidden = new("forbidden", 403, "Not allowed");
    public static readonly ProblemKind OperatorOnly = new("operator-only", 403, "Only an operator of the platform may set this field");
    public static readonly ProblemKind WrongPassword = new("wrong-password", 403, "The present password is another one");
    public static readonly ProblemKind NotFound = new("not-found", 404, "Not found");
    public static readonly ProblemKind MethodNotAllowed = new("method-not-allowed", 405, "Method not allowed here");
    public static readonly ProblemKind NotAcceptable = new("not-acceptable", 406, "No answer of the accepted media types");
    public static readonly ProblemKind TooSlow = new("too-slow", 408, "The request came too slowly");
    public static readonly ProblemKind Duplicate = new("duplicate", 409, "Another row has this value");
    public static readonly ProblemKind StillReferenced = new("still-referenced", 409, "Other rows refer to this one");
    public static readonly ProblemKind ConcurrentChange = new("concurrent-change", 409, "Changed by somebody else meanwhile");
    public static readonly ProblemKind TestFailed = new("test-failed", 409, "A test of the patch failed");
    public static readonly ProblemKind RequestUnderWay = new("request-under-way", 409, "The request is still being carried out");
    public static readonly ProblemKind ContentNotReady = new("content-not-ready", 409, "The volume has no content yet");
    public static readonly ProblemKind InUse = new("in-use", 409, "An instance has the volume");
    public static readonly ProblemKind InstanceOff = new("instance-off", 409, "The instance is off");
    public static readonly ProblemKind WrongOffset = new("wrong-offset", 409, "The upload goes on somewhere else");
    public static readonly ProblemKind TooOld = new("too-old", 410, "The revision is too old");
    public static readonly ProblemKind AccessChanged = new("access-changed", 410, "The access has changed");
    public static readonly ProblemKind ContentWithdrawn = new("content-withdrawn", 410, "The content is not wanted any more");
    public static readonly ProblemKind LengthRequired = new("length-required", 411, "The request does not say how long it is");
    public static readonly ProblemKind PreconditionFailed = new("precondition-failed", 412, "The precondition of the request does not hold");
    public static readonly ProblemKind VerifyFailed = new("verify-failed", 412, "A row is not as the patch demands");
    public static readonly ProblemKind TooLarge = new("too-large", 413, "The request is too large");
    public static readonly ProblemKind UnsupportedMediaType = new("unsupported-media-type", 415, "Unsupported media type");
    public static readonly ProblemKind RangeNotSatisfiable = new("range-not-satisfiable", 416, "There is nothing in this range");
    public static readonly ProblemKind UnknownField = new("unknown-field", 422, "Unknown field");
    public static readonly ProblemKind MissingField = new("missing-field", 422, "A field is missing");
    public static readonly ProblemKind WrongType = new("wrong-type", 422, "A value has the wrong type");
    public static readonly ProblemKind NullField = new("null-field", 422, "A field cannot be null");
    public static readonly ProblemKind NotInList = new("not-in-list", 422, "A value is not one of those allowed");
    public static readonly ProblemKind OutOfRange = new("out-of-range", 422, "A value is out of range");
    public static readonly ProblemKind BadFormat = new("bad-format", 422, "A value does not have the required form");
    public static readonly ProblemKind WeakPassword = new("weak-password", 422, "The password is not taken");
    public static readonly ProblemKind UnknownReference = new("unknown-reference", 422, "A value refers to a row that is not there");
    public static readonly ProblemKind ImmutableField = new("immutable-field", 422, "A field cannot be changed");
    public static readonly ProblemKind Contradiction = new("contradiction", 422, "A value contradicts the rest of the request");
    public static readonly ProblemKind PatchFailed = new("patch-failed", 422, "An operation of the patch cannot be applied");
    public static readonly ProblemKind RefusedByRule = new("refused-by-rule", 422, "Refused by a rule of the platform");
    public static readonly ProblemKind KeyReused = new("key-reused", 422, "The idempotency key belongs to another request");
    public static readonly ProblemKind WrongDigest = new("wrong-digest", 422, "What came in has another checksum");
    public static readonly ProblemKind TooManyRequests = new("too-many-requests", 429, "Too many attempts");
    public static readonly ProblemKind TooManyStreams = new("too-many-streams", 429, "Too many streams");
    public static readonly ProblemKind TooManyTransfers = new("too-many-transfers", 429, "Too many transfers");
    public static readonly ProblemKind SlowReader = new("slow-reader", 429, "The stream was read too slowly");
    public static readonly ProblemKind Internal = new("internal", 500, "The controller failed");
    public static readonly ProblemKind Unavailable = new("unavailable", 503, "Not possible at the moment");
    public static readonly ProblemKind HostSilent = new("host-silent", 504, "The host does not answer");
    public static readonly ProblemKind OutcomeUnknown = new("outcome-unknown", 504, "The outcome is not known");

    /// <summary>The <c>type</c> of the problem document.</summary>
    public string Type { get; } = $"urn:ponycloud:problem:{Name}";
}

/// <summary>What is wrong with one value of a request.</summary>
/// <param name="Pointer">JSON pointer (RFC 6901) into the request body.</param>
public sealed record FieldError(string Pointer, ProblemKind Kind, string Detail);

/// <summary>An answer that says why not, as <c>application/problem+json</c> (RFC 9457).</summary>
public sealed record Problem(ProblemKind Kind, string Detail)
{
    public string? Pointer { get; init; }

    /// <summary>All errors of the request's fields; the first is also <see cref="Pointer"/> and <see cref="Detail"/>.</summary>
    public IReadOnlyList<FieldError> Errors { get; init; } = [];

    /// <summary>Name of the database's constraint that refused the request.</summary>
    public string? Constraint { get; init; }

    /// <summary>Under which the log says more.</summary>
    public string? TraceId { get; init; }

    public string? Allow { get; init; }

    public string? AcceptPatch { get; init; }

    public string? Authenticate { get; init; }

    public TimeSpan? RetryAfter { get; init; }

    /// <exception cref="ArgumentException">The list is empty.</exception>
    public static Problem Of(IReadOnlyList<FieldError> errors)
    {
        if (errors.Count == 0)
            throw new ArgumentException("A problem has at least one error.", nameof(errors));
        // What the caller may not do goes before what is wrong with it.
        var first = errors.FirstOrDefault(error => error.Kind.Status == 403) ?? errors[0];
        return new Problem(first.Kind, first.Detail) { Pointer = first.Pointer, Errors = errors };
    }
}

/// <summary>Ends the handling of a request with a problem as its answer.</summary>
public sealed class ProblemException(Problem problem) : Exception(problem.Detail)
{
    public ProblemException(ProblemKind kind, string detail, string? pointer = null)
        : this(new Problem(kind, detail) { Pointer = pointer })
    {
    }

    public Problem Problem { get; } = problem;
}
