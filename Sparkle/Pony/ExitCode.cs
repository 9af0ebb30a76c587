namespace PonyCloud.Pony;

/// <summary>What the exit code says. Scripts depend on these: they are part of what pony promises.</summary>
internal static class ExitCode
{
    public const int Ok = 0;

    /// <summary>What was asked is not so: <c>diff</c> found a difference, or a volume will not be ready.</summary>
    public const int Different = 1;

    /// <summary>The command line, or a file that it names, makes no sense.</summary>
    public const int Usage = 2;

    public const int NotAuthenticated = 3;

    public const int Forbidden = 4;

    public const int NotFound = 5;

    /// <summary>Somebody else was quicker, or other data is in the way.</summary>
    public const int Conflict = 6;

    /// <summary>The server understood and refuses: a value, or a rule of the platform.</summary>
    public const int Refused = 7;

    /// <summary>The server, or what it needs, cannot be reached at the moment.</summary>
    public const int Unavailable = 8;

    /// <summary>It took longer than allowed, or it is not known what came of it.</summary>
    public const int TimedOut = 9;

    /// <summary>pony itself failed.</summary>
    public const int Internal = 10;

    /// <summary>Ctrl-C, as shells count it.</summary>
    public const int Interrupted = 130;

    /// <summary>The codes as the help shows them.</summary>
    public const string Explanation = """
        Exit codes:
          0  done
          1  different (diff); broken, lost or absent (volume wait)
          2  the command line or a file is wrong
          3  not logged in
          4  not allowed
          5  not found
          6  a conflict, or changed by somebody else meanwhile
          7  refused: a wrong value, or a rule of the platform
          8  the server or its database cannot be reached, or it is too busy
          9  not within the time, or the outcome is not known
         10  pony itself failed
        130  interrupted
        """;

    /// <summary>What an answer of the server means that is no success.</summary>
    public static int Of(int status) => status switch
    {
        400 => Usage,
        401 => NotAuthenticated,
        403 => Forbidden,
        404 => NotFound,
        409 or 412 => Conflict,
        429 => Unavailable,
        504 => TimedOut,
        >= 500 => Unavailable,
        _ => Refused,
    };
}
